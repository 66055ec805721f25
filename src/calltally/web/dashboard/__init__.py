"""The dashboard: server-rendered pages that read through the operations of the API."""
