"""Copy of a whole database into another one, of the same or of the other kind."""
