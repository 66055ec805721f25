"""Types of the alerts: series, findings, rules and the interface of a detector."""
