"""A folder a provider, all alike inside: how it signs, what its words mean, how its lists are read."""
