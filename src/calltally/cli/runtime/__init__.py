"""Settings of the interpreter and its allocator for processes that serve."""
