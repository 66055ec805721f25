"""What keeps the repository in order. Not part of the product."""
