"""The ledger: the one write path of calls, and the reads of single calls and facts."""
