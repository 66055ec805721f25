"""Generator of the metrics' reference page, alert rules and dashboard, from their definitions."""
