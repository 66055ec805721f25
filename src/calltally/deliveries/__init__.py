"""Delivery of outbox events to the tenants' webhook endpoints: schedule, payload, requests and outcomes."""
