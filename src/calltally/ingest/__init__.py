"""Intake of data into the ledger: provider callbacks, own events, replays and imports."""
