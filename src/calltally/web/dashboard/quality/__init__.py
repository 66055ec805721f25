"""The quality page with rates over time, and the launch page."""
