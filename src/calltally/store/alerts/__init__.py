"""Alerts, their sinks and the state of the detectors, as rows."""
