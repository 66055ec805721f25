"""A migration rehearsed on a large database: what takes how long, and who has to wait meanwhile."""
