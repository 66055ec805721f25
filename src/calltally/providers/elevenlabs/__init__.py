"""ElevenLabs: webhooks and conversations of its API. README.md describes its quirks."""
