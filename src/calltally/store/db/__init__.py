"""Execution of statements: operations, named statements, the interface of a store, and row codecs."""
