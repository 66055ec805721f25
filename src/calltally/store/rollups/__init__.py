"""Counters and sums that the ledger maintains in the transaction of each commit."""
