"""Responses: problems, content negotiation, validators and streams."""
