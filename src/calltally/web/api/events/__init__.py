"""A tenant's own call events."""
