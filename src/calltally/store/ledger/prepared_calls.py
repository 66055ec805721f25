"""What the ledger would write of a call that one fact alone tells of, worked out before it is known as new.

Pure, and so it can be done in another process than the one that writes: nothing here asks what the ledger
has. A call that it has already is recorded from the same fact the long way.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.alert_counts import Counted, counted_in, counted_of
from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import Node, call_uuid
from calltally.calls.lifecycle import Folded, fold
from calltally.calls.measures import measure
from calltally.calls.model import encode_body, seal
from calltally.calls.sessions import is_of_session
from calltally.store.db.fact_codec import bodies, pack_fact, unpack_fact
from calltally.store.db.operation import Many, Table
from calltally.store.ledger.sqlite_rowids import segment_of
from calltally.store.ledger.text_index import indexed_words
from calltally.store.rollups.call_counters import Place
from calltally.store.rollups.import_sums import Adding, Sums, sums_of, without

# In the order in which the statements name them.
FACT_COLUMNS: Final = (
    *("tenant", "node", "key", "received_us", "outcome", "reason", "repeats", "content", "raw", "revision"),
    "conversation",
)
_CALL: Final = (
    *("segment", "tenant", "id", "call_sid", *Place._fields[1:], "escalated", "from_number", "to_number"),
    *("revision", "updated_us", "record", "measured"),
)


class Prepared(msgspec.Struct, frozen=True, array_like=True):
    """One fact as its row has it, and the call that it makes where nothing else tells of that call.

    `body` is its record without revision, `parties` are the columns escalated, from_number and to_number,
    `words` what it is found by; `conflicting` says whether the fact contradicts itself.
    """

    node: bytes
    key: bytes
    received_us: int
    content: bytes
    raw: bytes
    call_sid: str
    body: bytes
    place: Place
    parties: tuple[int, str | None, str | None]
    measured: bytes
    words: str = ""
    conflicting: bool = False

    def fact(self) -> Fact:
        """The fact itself."""
        return unpack_fact(self.content, self.received_us, bodies.decompress(self.raw))

    def counted(self) -> tuple[Counted, ...]:
        """Where the call counts for alerts."""
        return counted_in(seal(self.body, 0, 0))


# A fact that may make a call with others, or has a conversation, is left as it is.
Item: TypeAlias = Prepared | Fact


class Batch(NamedTuple):
    """Facts about one SID alone, prepared, and the others.

    `sums` are what the former add up to where each of them makes a new call.
    """

    ready: Sequence[Prepared]
    sums: Sums
    others: Sequence[Fact] = ()


def prepare(tenant: str, facts: Sequence[Fact]) -> Batch:
    """What can be made of facts beforehand; each kind in the order given."""
    alone = [fact for fact in facts if _stands_alone(fact)]
    folded = [fold(tenant, Node(fact.call_sid, is_carrier=False), (fact,)) for fact in alone]
    ready = list(_prepared(tenant, alone, folded))
    return Batch(ready, _sums(ready, folded), [fact for fact in facts if not _stands_alone(fact)])


def sums_left(sums: Sums, new: Sequence[Prepared], others: Sequence[Prepared]) -> Sums:
    """Of the sums of all of these, those of the new ones."""
    if not others:
        return sums
    if len(others) < len(new):
        return without(sums, _adding(others))
    return sums_of(_adding(new))


def _adding(items: Sequence[Prepared]) -> list[Adding]:
    return [(item.place, item.counted(), item.measured) for item in items]


def _sums(ready: Sequence[Prepared], folded: Sequence[Folded]) -> Sums:
    counted = [counted_of(each.call) for each in folded]
    return sums_of([(item.place, places, item.measured) for item, places in zip(ready, counted, strict=True)])


def _stands_alone(fact: Fact) -> bool:
    return not (fact.links or fact.conversation or is_of_session(fact))


def _prepared(tenant: str, facts: list[Fact], folded: list[Folded]) -> Iterator[Prepared]:
    """Step by step, each for all facts.

    What a step needs stays in the processor's caches so, of which all steps for one fact need more than there
    is: that takes a quarter less.
    """
    columns = (
        [call_uuid(tenant, fact.call_sid) for fact in facts],
        [fact.key for fact in facts],
        [fact.received_us for fact in facts],
        [pack_fact(fact) for fact in facts],
        [bodies.compress(fact.raw) for fact in facts],
        *_of_calls(tenant, folded),
    )
    # By place: names would cost a twentieth.
    return itertools.starmap(Prepared, zip(*columns, strict=True))


def _of_calls(tenant: str, folded: list[Folded]) -> Iterator[list[Any]]:
    """The columns of a prepared fact that its call alone decides."""
    calls = [each.call for each in folded]
    yield [call.call_sid for call in calls]
    yield [encode_body(call) for call in calls]
    yield [Place.of(tenant, each) for each in folded]
    yield [(int(call.escalated), call.from_number, call.to_number) for call in calls]
    yield [measure(each) for each in folded]
    yield [indexed_words(tenant, call.summary) if call.summary else "" for call in calls]
    yield [call.conflicts > 0 for call in calls]


def new_rows(new: Sequence[tuple[Prepared, int]], heads: Mapping[str, int], now_us: int) -> Iterator[Many]:
    """The rows of new calls, each with its revision, and of their facts, of which the commit's heads tell."""
    applied = Outcome.APPLIED.value
    facts = [
        (
            *(item.place.tenant, item.node, item.key, item.received_us, applied, None, 0),
            *(item.content, item.raw, heads[item.place.tenant], None),
        )
        for item, _revision in new
    ]
    yield Many("put_facts", Table(FACT_COLUMNS, facts))
    calls = [
        (
            *(segment_of(*item.place[:2]), item.place.tenant, item.node, item.call_sid),
            *(*item.place[1:], *item.parties),
            *(revision, now_us, seal(item.body, revision, now_us), item.measured),
        )
        for item, revision in new
    ]
    yield Many("put_calls", Table(_CALL, calls))
