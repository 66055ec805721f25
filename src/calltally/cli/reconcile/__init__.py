"""The `calltally reconcile` command."""
