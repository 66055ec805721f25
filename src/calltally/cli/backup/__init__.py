"""The `calltally backup` and `calltally restore` commands."""
