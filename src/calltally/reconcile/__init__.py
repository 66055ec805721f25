"""Our calls held against what others say of them: the events that a consumer received, a provider's list."""
