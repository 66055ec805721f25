"""Counts with their nouns."""

import pytest

from calltally.calls.plurals import counted


@pytest.mark.parametrize(
    ("count", "nouns", "expected"),
    [
        (1, ("tenant",), "1 tenant"),
        (0, ("tenant",), "0 tenants"),
        (12_345, ("call",), "12,345 calls"),
        (1, ("call is", "calls are"), "1 call is"),
        (2, ("call is", "calls are"), "2 calls are"),
    ],
)
def test_noun_agrees_with_its_count(count: int, nouns: tuple[str, ...], expected: str) -> None:
    assert counted(count, *nouns) == expected
