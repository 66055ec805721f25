"""The pages of alerts: what is on, on what evidence, and what somebody says of it."""
