"""Vapi: server messages and calls of its API. README.md describes its quirks."""
