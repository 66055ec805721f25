"""Terminal output, option groups and files that commands share."""
