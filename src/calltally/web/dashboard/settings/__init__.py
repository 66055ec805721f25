"""The page of settings: what a tenant has set up, as far as a key may touch it."""
