"""FreeSWITCH.

Its call detail records, as mod_json_cdr and mod_xml_cdr post and write them, and as tables of FusionPBX.
"""
