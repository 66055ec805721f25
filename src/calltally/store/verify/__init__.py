"""Checks of a live database against the invariants."""
