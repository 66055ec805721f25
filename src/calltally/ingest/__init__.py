"""What comes in, step by step to the ledger: provider callbacks, own events, replays, imports."""
