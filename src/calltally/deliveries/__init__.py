"""From the outbox to the tenants' endpoints: when, in which form, and what becomes of it."""
