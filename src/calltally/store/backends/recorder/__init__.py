"""The process that records facts for a busy service on SQLite."""
