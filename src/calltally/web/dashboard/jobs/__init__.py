"""The pages of work that takes long: exports and reconciliations, asked for, watched and ended."""
