"""The `calltally alerts` commands."""
