"""The house rules a linter off the shelf does not know. Run as `python -m tools.house_rules`."""
