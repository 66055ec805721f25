"""Snapshots of the ledger: tokens, holds, the change feed and their pruning."""
