"""Telnyx: events of Call Control, callbacks of TeXML, and detail records of calls."""
