"""The pages of exports and reconciliations."""
