"""Notifications about alerts to the tenant's sinks."""
