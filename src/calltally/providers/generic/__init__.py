"""Providers without a folder here.

A mapping in TOML, which is data and not code, reads their bodies and tables.
"""
