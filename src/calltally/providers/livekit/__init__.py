"""LiveKit: the SIP participants of its rooms as facts. Quirks: see README.md."""
