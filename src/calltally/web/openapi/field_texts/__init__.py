"""Descriptions of the fields of requests and responses, by Struct and field name on the wire."""
