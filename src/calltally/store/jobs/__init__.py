"""Export and reconciliation jobs, as rows."""
