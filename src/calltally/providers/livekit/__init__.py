"""LiveKit: SIP participants of its rooms. README.md describes its quirks."""
