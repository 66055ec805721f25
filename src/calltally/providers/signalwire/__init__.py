"""SignalWire: status callbacks and Call resources of its Compatibility API, and webhooks of its own API."""
