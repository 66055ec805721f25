"""Tools that keep the repository in order. Not part of the product."""
