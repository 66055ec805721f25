"""The settings page, as far as the key may change it."""
