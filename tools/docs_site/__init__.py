"""Builder of the documentation site, which the service serves at /docs/guide."""
