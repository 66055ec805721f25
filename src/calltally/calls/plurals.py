"""Counts with their nouns, for messages to people. Pure."""


def counted(count: int, one: str, more: str | None = None) -> str:
    """Return a count and its noun: `1 call`, `2,345 calls`. `more` is a plural that does not end in s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
