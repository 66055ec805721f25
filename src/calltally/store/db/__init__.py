"""How statements run: operations, named statements, the interface of a store, and codecs of its rows."""
