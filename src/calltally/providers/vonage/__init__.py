"""Vonage: event webhooks of the Voice API, and its list of calls."""
