"""The `calltally import` command."""
