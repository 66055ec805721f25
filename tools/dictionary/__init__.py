"""Trains the shared zstd dictionary for stored bodies, on made-up ones only."""
