"""The `calltally export` command."""
