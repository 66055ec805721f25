"""Where alerts are told: a file for each kind of place, all alike, from what is told to what is sent."""
