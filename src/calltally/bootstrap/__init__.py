"""Composition root: assembles the dependencies, in modules, so that a command loads only its own."""
