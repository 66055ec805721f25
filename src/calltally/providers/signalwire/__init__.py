"""SignalWire: status callbacks and Call resources of its Compatibility API, and what its own API posts."""
