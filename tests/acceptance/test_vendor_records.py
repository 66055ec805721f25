"""The record says what the provider said: a row per sentence, in order, shuffled and repeated.

Each row's messages have the vendor's own shape. They pass the real signature check, reader and fold.
"""

from collections.abc import Sequence
from itertools import islice, permutations
from typing import Any, Final

import msgspec
import pytest

from calltally.calls.events import UNREAD, Channel, Fact
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from calltally.ingest.callbacks import UnparsedBody, is_genuine, read_facts
from calltally.providers.callback import RecordSource
from calltally.providers.generic.mapping_packs import pack_names, pack_text
from calltally.providers.registry import GENERIC, PROVIDERS
from tests.acceptance.vendor_outcomes import OUTCOMES
from tests.acceptance.vendor_rows import Message, VendorRow
from tests.acceptance.vendor_values import VALUES
from tests.unit.providers.sampling import NOW_US, Sent, samples_of, signed

ROWS: Final = [*OUTCOMES, *VALUES]
# All orders of up to four messages.
MAX_ORDERS: Final = 24


class Found:
    """Facts of messages, and the kinds of those that are no facts."""

    def __init__(self, row: VendorRow, messages: Sequence[Message]) -> None:
        self.facts: list[Fact] = []
        self.kinds: set[str] = set()
        for position, message in enumerate(messages):
            if isinstance(message, bytes):
                self.facts += file_facts(row.provider, message)
            else:
                self._read(row.provider, message, NOW_US + position)

    def _read(self, provider: str, sent: Sent, at_us: int) -> None:
        callback = signed(provider, sent, at_us=at_us)
        assert is_genuine(PROVIDERS[provider], callback, samples_of(provider).secrets)
        parsed = read_facts(PROVIDERS[provider], callback)
        if isinstance(parsed, UnparsedBody):
            assert parsed.kind, parsed.reason
            self.kinds.add(parsed.kind)
        else:
            self.facts += parsed


def file_facts(provider: str, file: bytes) -> list[Fact]:
    """Return the facts of a file of a provider, or of a mapping pack."""
    is_pack = provider in pack_names()
    list_facts = PROVIDERS[GENERIC.name if is_pack else provider].list_facts
    assert list_facts is not None
    mapping = pack_text(provider) if is_pack else ""
    items = list(
        list_facts(file.splitlines(keepends=True), RecordSource(Channel.IMPORT, NOW_US, mapping=mapping))
    )
    facts = [each for each in items if isinstance(each, Fact)]
    assert len(facts) == len(items), items
    return facts


def record_of(row: VendorRow, found: Found) -> dict[str, Any]:
    """Return the record of the row's call, with the additions that `VendorRow` names."""
    calls = {fact.call_sid for fact in found.facts if "parent_call_sid" not in fact.stated}
    record: dict[str, Any] = {"calls": len(calls), "kind": next(iter(found.kinds), None)}
    facts = [fact for fact in found.facts if fact.call_sid == row.sid]
    if facts:
        node = Node(row.sid, is_carrier=facts[0].is_carrier)
        ending = fold_ending(facts)
        record |= msgspec.to_builtins(fold("acme", node, facts).call)
        record |= {"side": ending.side, "word": ending.provider_word}
        record["unread"] = sorted({name for fact in facts for name in fact.stated.get(UNREAD, ())})
    return record


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{number}-{row.provider}-{row.point}" for number, row in enumerate(ROWS)]
)
def test_record_has_the_fields_that_the_provider_reported(row: VendorRow) -> None:
    orders = list(islice(permutations(row.messages), MAX_ORDERS))
    for order in (*orders, [*row.messages, *row.messages], [*row.messages, *reversed(row.messages)]):
        record = record_of(row, Found(row, order))
        assert {name: record.get(name) for name in row.expected} == row.expected


def test_each_point_has_rows() -> None:
    points = {int(row.point.partition(" ")[0]) for row in ROWS}
    assert points == set(range(1, 12))
