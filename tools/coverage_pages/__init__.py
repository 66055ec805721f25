"""Generator of the coverage pages (one per provider in docs/reference/providers) and of call-fields.md."""
