"""Calls against their facts (architecture.md, 1, 2 and 6), a chunk at a time.

In the order of their creation, in which they lie on the disk; and what belongs to the calls of a chunk is
asked for together. By their ids, which are hashes, each call would be a place of its own in the file. A call
whose creation moves from before the walk to behind it, or back, is met twice or not at all: then it was
folded meanwhile, and the next run looks at it.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid, uuid_text
from calltally.calls.lifecycle import FoldedCall, fold
from calltally.calls.measures import encode_measures
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER, encode_body, finish_record
from calltally.calls.sessions import FoldedSession, fold_sessions
from calltally.store.db.fact_codec import body_codec, unpack_fact
from calltally.store.db.operation import (
    ParamsTable,
    Row,
    Statement,
    StatementMany,
    StoreOperation,
    execute_batch,
)
from calltally.store.ledger.linked_calls import Component, stored_session
from calltally.store.ledger.session_rows import (
    Packed,
    fetch_packed,
    folded_states,
    missing_turns,
    spoken_by,
    stored_states,
)
from calltally.store.ledger.text_index import indexed_words, summary_of
from calltally.store.maintenance.refold_progress import refold_position
from calltally.store.verify.revisions import Checked, Finding, measures_of

# Few enough that all that was told of them, which may be megabytes a call, is in memory at once.
CHUNK: Final = 100
_KEYS: Final = 5_000
# Before the first call, and before the first fact.
FIRST_CALL: Final = (-(2**63), b"")
FIRST_FACT: Final = (b"", b"")
# As `calls_created_after` begins.
_COLUMNS: Final = (
    *("id", "call_sid", "created_us", "status", "direction", "route", "agent", "provider", "escalated"),
    *("from_number", "to_number"),
)
# Behind what is compared of a call's row stands where the walk is.
_COMPARED: Final = 15
_BY_ID: Final = ("tenant", "id")
_BY_NODE: Final = ("tenant", "node")

CallPlace: TypeAlias = tuple[int, bytes]
FactPlace: TypeAlias = tuple[bytes, bytes]


class _Read(NamedTuple):
    """A fact as it was stored, where, and where its content says that it belongs; without both unreadable."""

    row: Row
    fact: Fact | None = None
    place: FactPlace | None = None


class _Kept(NamedTuple):
    """What the ledger has of one call: its row, its facts, its words and its sessions.

    `is_lost` says that several SIDs lead to it, and its own does not.
    """

    row: Row
    is_lost: bool
    facts: Sequence[_Read]
    words: Sequence[str]
    sessions: Sequence[Row]


class _Told(NamedTuple):
    """The same as its facts give it."""

    kept: _Kept
    component: Component
    folded: FoldedCall
    sessions: list[FoldedSession]


def check_calls(tenant: str, after: CallPlace) -> StoreOperation[Checked]:
    """Refold the next calls from their facts, and compare record and columns to the byte.

    Each of their facts is under the key that its content has, and its body can be read.
    """
    asked = {"tenant": tenant, "after_us": after[0], "after_id": after[1], "most": CHUNK}
    rows = yield Statement("calls_created_after", asked)
    folded_up_to = yield from refold_position(tenant)
    kept = (yield from _kept(tenant, rows)) if rows else []
    findings = [found for each in kept for read in each.facts for found in _check_fact(tenant, read)]
    due = [each for each in kept if folded_up_to is None or each.row[0] <= folded_up_to]
    findings += yield from _check(tenant, due)
    if folded_up_to is not None and after == FIRST_CALL:
        findings.append(Finding(2, f"calls of {tenant}", _NOT_FOLDED))
    # The same fact, where it is found by two calls.
    findings = list(dict.fromkeys(findings))
    return Checked(len(rows), findings, rows[-1][_COMPARED:] if len(rows) == CHUNK else None)


_NOT_FOLDED: Final = (
    "a later version of Calltally gives other records for the same facts, and not all are folded anew:"
    " run `calltally migrate`"
)


def _check(tenant: str, kept: Sequence[_Kept]) -> StoreOperation[list[Finding]]:
    told = [_told(tenant, each) for each in kept]
    whole = [each for each in told if isinstance(each, _Told)]
    packed = yield from fetch_packed([row for each in whole for row in missing_turns(tenant, each.sessions)])
    findings = [each for each in told if isinstance(each, Finding)]
    return findings + [found for each in whole for found in _compare(tenant, each, packed)]


def _kept(tenant: str, rows: Sequence[Row]) -> StoreOperation[list[_Kept]]:
    ids = ParamsTable(_BY_ID, [(tenant, row[0]) for row in rows])
    identities, words, sessions = yield from execute_batch(
        StatementMany("identities_of_calls", ids),
        StatementMany("words_of_calls", ids),
        StatementMany("sessions_of_calls", ids),
    )
    linked = _by(3, identities)
    # Its own SID's among them, even where that is lost.
    nodes = {row[0]: dict.fromkeys([each[1] for each in linked.get(row[0], ())] + [row[0]]) for row in rows}
    asked = ParamsTable(
        _BY_NODE, [(tenant, node) for node in dict.fromkeys(chain.from_iterable(nodes.values()))]
    )
    facts = _by(0, (yield StatementMany("bodies_of_nodes", asked)))
    words_of, sessions_of = _by(0, words), _by(2, sessions)
    return [
        _Kept(
            row[:_COMPARED],
            _is_lost(row[0], linked.get(row[0], ())),
            [_read(tenant, fact) for node in nodes[row[0]] for fact in facts.get(node, ())],
            [each[1] for each in words_of.get(row[0], ())],
            sessions_of.get(row[0], ()),
        )
        for row in rows
    ]


def _is_lost(call_id: bytes, linked: Sequence[Row]) -> bool:
    return bool(linked) and all(row[1] != call_id for row in linked)


def _by(column: int, rows: Sequence[Row]) -> Mapping[bytes, list[Row]]:
    found: dict[bytes, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _told(tenant: str, kept: _Kept) -> _Told | Finding:
    if kept.is_lost:
        return Finding(1, _call(tenant, kept), "other SIDs lead to it, and its own does not")
    if not kept.facts:
        return Finding(1, _call(tenant, kept), "there is no fact for it")
    component = Component(tenant)
    for _row, fact, place in kept.facts:
        if fact is not None and place is not None:
            component.sids[place[0]] = fact.call_sid
            component.sids.update({call_uuid(tenant, link.call_sid): link.call_sid for link in fact.links})
            component.facts[place] = fact
    if unreadable := sum(read.fact is None for read in kept.facts):
        return Finding(1, _call(tenant, kept), f"{unreadable} of its facts cannot be read")
    facts = component.facts.values()
    folded = fold(tenant, component.canonical(), facts)
    return _Told(kept, component, folded, fold_sessions(folded, facts))


def _compare(tenant: str, told: _Told, packed: Packed) -> Iterator[Finding]:
    """Everything that the ledger keeps of a call with what its facts give."""
    kept, subject, body = told.kept, _call(tenant, told.kept), encode_body(told.folded.call)
    *columns, measured, revision, updated_us, record = kept.row
    if finish_record(body, revision, updated_us) != record:
        yield Finding(2, subject, "its record is not what its facts give")
    # Null where a release without measures wrote it: those are told of together.
    elif measured not in (None, encode_measures(told.folded)):
        yield Finding(6, measures_of(tenant), f"those of {subject} are not what its facts give")
    given = zip(_COLUMNS, columns, _columns(tenant, told.folded), strict=True)
    if wrong := ", ".join(name for name, had, wanted in given if had != wanted):
        yield Finding(2, subject, f"its columns are not what its facts give: {wrong}")
    summary, spoken = summary_of(body + b"}") or "", spoken_by(told.component, told.sessions, packed)
    if sorted(" ".join(kept.words).split()) != sorted(indexed_words(tenant, summary, spoken).split()):
        yield Finding(2, subject, "it is not found by the words of its summary and its transcript")
    told.component.sessions = {(row[2], row[1]): stored_session(row[3:]) for row in kept.sessions}
    if stored_states(told.component, kept.row[0]) != folded_states(tenant, told.sessions):
        yield Finding(2, subject, "its sessions are not what its facts give")


def _columns(tenant: str, folded: FoldedCall) -> tuple[Any, ...]:
    call = folded.call
    place = (folded.created_us, STATUS_NUMBER[call.status], DIRECTION_NUMBER[call.direction])
    filters = (call.route, call.agent, call.provider, int(call.escalated), call.from_number, call.to_number)
    return (call_uuid(tenant, call.call_sid), call.call_sid, *place, *filters)


def _check_fact(tenant: str, read: _Read) -> Iterator[Finding]:
    node, key, *_, raw = read.row
    if read.fact is None or not _is_body(raw):
        yield Finding(1, _fact(tenant, key), "it cannot be read")
    elif (node, key) != read.place:
        yield Finding(1, _fact(tenant, key), "its key is not that of its content")


def _read(tenant: str, row: Row) -> _Read:
    _node, _key, received_us, content, _raw = row
    try:
        # A byte that changed can leave a row that still unpacks, to a number where a text should be.
        fact = _decoder.decode(msgspec.msgpack.encode(unpack_fact(content, received_us)))
    except (DamagedStore, msgspec.DecodeError, TypeError, ValueError):
        return _Read(row)
    return _Read(row, fact, (call_uuid(tenant, fact.call_sid), fact.key))


_decoder: Final = msgspec.msgpack.Decoder(Fact)


def _is_body(raw: bytes) -> bool:
    try:
        body_codec.decompress(raw)
    except (DamagedStore, TypeError, ValueError):
        return False
    return True


def check_facts(tenant: str, after: FactPlace) -> StoreOperation[Checked]:
    """Each fact belongs to a call that is there: told by keys alone, which lie beside each other."""
    asked = {"tenant": tenant, "node": after[0], "key": after[1], "most": _KEYS}
    rows = yield Statement("fact_keys_after", asked)
    findings = [
        Finding(1, _fact(tenant, key), "its call is missing") for _node, key, has_call in rows if not has_call
    ]
    return Checked(len(rows), findings, tuple(rows[-1][:2]) if len(rows) == _KEYS else None)


def _call(tenant: str, kept: _Kept) -> str:
    return f"call {uuid_text(kept.row[0])} of {tenant}"


def _fact(tenant: str, key: bytes) -> str:
    return f"fact {key.hex()} of {tenant}"
