"""Plivo: callbacks of calls, and its list of calls."""
