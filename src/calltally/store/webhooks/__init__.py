"""Webhook endpoints and their deliveries, as rows."""
