"""Calltally: one true record per call, kept for many tenants."""

__version__ = "0.1.0"
