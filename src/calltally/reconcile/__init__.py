"""Reconciliation of our calls with other sources: a consumer's events, deliveries, and a provider's list."""
