"""Bland: its webhooks and its calls as facts. Quirks: see README.md."""
