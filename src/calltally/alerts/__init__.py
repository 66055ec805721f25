"""Alerts: detection of unusual counts, evaluation per tenant, and notifications."""
