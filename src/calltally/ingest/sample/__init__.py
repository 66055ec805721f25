"""Sample traffic of two days for the demo: callbacks of carriers, a switch and platforms, and own events."""
