"""Lists of calls: pages at any offset, totals and snapshots."""
