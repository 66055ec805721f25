"""Provider integrations: one folder per provider, all with the same structure."""
