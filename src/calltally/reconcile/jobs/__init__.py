"""Reconciliations as jobs of a server: asked for, done by a worker, their findings kept as files."""
