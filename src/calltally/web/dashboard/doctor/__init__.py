"""The page of findings about the installation."""
