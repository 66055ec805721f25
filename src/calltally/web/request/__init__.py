"""Requests: parsing, dependencies and the public URL."""
