"""Pure statistics of the rate alerts: baselines, change detection, grouping into incidents."""
