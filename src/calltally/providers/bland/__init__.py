"""Bland: webhooks and calls of its API. README.md describes its quirks."""
