"""Sign-in, sessions and what a visitor may do."""
