"""ElevenLabs: its webhooks and its conversations as facts. Quirks: see README.md."""
