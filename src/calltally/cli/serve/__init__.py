"""The `calltally serve` command."""
