"""Alerts, alert rules and alert sinks."""
