"""The `calltally quality` command."""
