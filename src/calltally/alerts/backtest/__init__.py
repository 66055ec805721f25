"""Replay of a tenant's history through the detectors, and its report."""
