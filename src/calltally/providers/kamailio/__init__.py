"""Kamailio: events that its dialog module's event routes post over HTTP or write line by line."""
