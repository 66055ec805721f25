"""Twilio: status callbacks, `<Dial>` action callbacks, and the Call resources of its REST API."""
