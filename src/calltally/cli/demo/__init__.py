"""The `calltally demo` command."""
