"""Voice sessions."""
