"""A laboratory: seeded traffic with labelled incidents, and the score of whoever looks for them."""
