"""Providers that we do not know.

Their bodies and tables are read by a mapping in TOML, which is data and no code.
"""
