"""Sample traffic for the demo: callbacks of carriers and voice-agent platforms, and own events."""
