"""Examination of an installation: facts of the machine, the settings and the database, and findings."""
