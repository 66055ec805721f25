"""Reconciliation jobs."""
