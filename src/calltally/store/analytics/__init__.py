"""Queries over the quality roll-ups, and their repair."""
