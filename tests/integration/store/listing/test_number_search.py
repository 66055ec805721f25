"""Searches by the end of a number equal naive ones: at either end and at one, now and under a snapshot."""

import json
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from calltally.calls.filters import CallFilter
from calltally.calls.identity import uuid_bytes
from calltally.calls.list_query import ListQuery
from calltally.calls.phone import number_digits
from calltally.store.listing import number_match
from calltally.store.listing.browse import BrowsePosition, browse
from calltally.store.listing.list_calls import list_calls
from tests.conftest import TENANT, Bench, records_of
from tests.integration.store.probing import submit
from tests.sample_facts import own

NUMBERS = (
    *("+14155550164", "(415) 555-0164", "sip:5550164", "+16465550164", "+14155450164", "+14155550165"),
    *("0164", "50164", None, "+4930123450164", "03012350164"),
)
SEARCHES = ("50164", "5550164", "155550164", "4155550164", "90164", "0123450164")
PARTIES = ("from_number", "to_number")
INTERNATIONAL = {
    "number": "international",
    "from_number": "from_international",
    "to_number": "to_international",
}
CALLS = 66
LIMIT = 7

Call = dict[str, Any]


def numbers_at(position: int) -> dict[str, Any]:
    """Return different pairs of numbers, some with the same one at both ends."""
    step = 1 + position // len(NUMBERS)
    return {
        "from_number": NUMBERS[position % len(NUMBERS)],
        "to_number": NUMBERS[position * step % len(NUMBERS)],
    }


@pytest.fixture
def snapshot(bench: Bench) -> str:
    """Store calls, and change the numbers of some after the snapshot."""
    facts = [own(at % 9, f"call-{at}", status="completed", **numbers_at(at)) for at in range(CALLS)]
    submit(bench, *facts)
    snapshot = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    again = [
        own(at % 9, f"call-{at}", event_id=f"again-{at}", status="completed", **numbers_at(at + 4))
        for at in range(0, CALLS + 9, 3)
    ]
    submit(bench, *again)
    return snapshot


def naive(calls: list[Call], field: str, endings: tuple[str, ...]) -> list[Call]:
    parties = PARTIES if field == "number" else (field,)
    return [
        call for call in calls if any(number_digits(call[each] or "").endswith(endings) for each in parties)
    ]


@pytest.mark.parametrize("most", [5_000, 1], ids=["listed", "too many to list"])
@pytest.mark.parametrize("field", INTERNATIONAL)
def test_pages_equal_naive_ones(
    bench: Bench, snapshot: str, field: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_match, "_MAX_NUMBERS", most)
    for order, taken in product(("asc", "desc"), (None, snapshot)):
        base = ListQuery(order=order, snapshot=taken)
        everything = records_of(bench.run(bench.store.read(list_calls(TENANT, replace(base, limit=1_000)))))
        for digits in SEARCHES:
            international = f"49{digits[1:]}" if digits.startswith("0") else digits
            wanted: dict[str, Any] = {field: digits, INTERNATIONAL[field]: international}
            calls = CallFilter(**wanted)
            expected = naive(everything, field, (digits, international))
            check_pages(bench, replace(base, filter=calls, limit=LIMIT), expected)


def check_pages(bench: Bench, query: ListQuery, expected: list[Call]) -> None:
    for offset in (0, 3, 2 * LIMIT):
        page = bench.run(bench.store.read(list_calls(TENANT, replace(query, offset=offset))))
        assert page.total == len(expected)
        assert records_of(page) == expected[offset : offset + LIMIT]
    if len(expected) > 3:
        position = BrowsePosition(uuid_bytes(expected[2]["id"]))
        browsed = bench.run(bench.store.read(browse(TENANT, query, position), long=True))
        assert json.loads(b"[%b]" % browsed.records) == expected[3 : 3 + LIMIT]
