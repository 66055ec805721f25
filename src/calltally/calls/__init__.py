"""Model of a call: types, identity, the fold, filters. Pure: no clock, no I/O, no settings."""
