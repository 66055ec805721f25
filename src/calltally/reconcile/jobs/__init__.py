"""Reconciliations as background jobs of a server, with their findings stored as files."""
