"""FreeSWITCH: call detail records of mod_json_cdr and mod_xml_cdr, and tables."""
