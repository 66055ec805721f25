"""HTTP layer: requests, responses, the API and the dashboard."""
