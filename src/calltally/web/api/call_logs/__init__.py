"""Calls: the list, one call, streams and the change feed."""
