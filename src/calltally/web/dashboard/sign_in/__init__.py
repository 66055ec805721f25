"""Sign-in, sessions and rights of a visitor."""
