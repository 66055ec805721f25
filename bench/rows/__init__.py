"""The lines of the table: each module measures some of them. `MEASURES` is the order they are printed in."""
