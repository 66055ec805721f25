"""The benchmark: what Calltally takes, beside what it is held against. Run as `python -m bench`."""
