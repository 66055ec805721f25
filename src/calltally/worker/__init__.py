"""Background work: maintenance rounds, alerts, deliveries and long-running jobs."""
