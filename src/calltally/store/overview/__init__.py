"""Reads of the overview page, each by index searches or counters, whatever the number of calls."""
