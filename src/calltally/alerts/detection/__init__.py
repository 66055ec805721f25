"""Statistics of the rate alerts: baselines, change detection, grouping into incidents. Pure."""
