"""Vapi: its server messages and its calls as facts. Quirks: see README.md."""
