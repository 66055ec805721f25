"""Keys, rate limits and admission."""
