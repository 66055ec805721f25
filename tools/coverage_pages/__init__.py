"""Generator of the coverage pages: one page per provider in docs/reference/providers."""
