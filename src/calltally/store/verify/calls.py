"""Check of calls against their facts (architecture.md, 1, 2 and 6), chunk by chunk.

Calls are read in the order of their creation, in which they lie on the disk, and the rows of a chunk's calls
are read together. By their ids, which are hashes, each call would be on another page of the file. If the
creation of a call moves across the current position, the call is checked twice or not at all: it was folded
meanwhile, and the next run checks it.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact
from calltally.calls.fold import FoldedCall, fold
from calltally.calls.identity import call_uuid, uuid_text
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
from calltally.store.ledger.linked_calls import LinkedCall, stored_session
from calltally.store.ledger.session_rows import (
    PackedConversations,
    fetch_conversations,
    folded_states,
    missing_turns,
    stored_states,
    transcript_of,
)
from calltally.store.ledger.text_index import indexed_words, summary_of
from calltally.store.maintenance.refold_all import refold_position
from calltally.store.verify.revisions import CheckResult, InvariantFinding, measures_of

# Few enough to hold all their facts in memory, which can be megabytes per call.
CHUNK: Final = 100
_KEYS: Final = 5_000
# Before the first call, and before the first fact.
FIRST_CALL: Final = (-(2**63), b"")
FIRST_FACT: Final = (b"", b"")
# First columns of `calls_created_after`.
_COLUMNS: Final = (
    *("id", "call_sid", "created_us", "status", "direction", "route", "agent", "provider", "escalated"),
    *("from_number", "to_number", "parent_call_sid"),
)
# Number of compared columns of a call's row; the cursor columns come after them.
_COMPARED: Final = 16
_BY_ID: Final = ("tenant", "id")
_BY_NODE: Final = ("tenant", "node")

CallCursor: TypeAlias = tuple[int, bytes]
FactCursor: TypeAlias = tuple[bytes, bytes]


class _Read(NamedTuple):
    """Stored fact, and the position that its content gives; both are None for an unreadable fact."""

    row: Row
    fact: Fact | None = None
    cursor: FactCursor | None = None


class _StoredState(NamedTuple):
    """Stored state of a call. `is_lost`: other SIDs belong to it, but its own does not."""

    row: Row
    is_lost: bool
    facts: Sequence[_Read]
    words: Sequence[str]
    sessions: Sequence[Row]


class _FoldedState(NamedTuple):
    """State of a call as its facts give it."""

    stored: _StoredState
    linked_call: LinkedCall
    folded: FoldedCall
    sessions: list[FoldedSession]


def check_calls(tenant: str, after: CallCursor) -> StoreOperation[CheckResult]:
    """Refold the next calls, compare records and columns exactly, and check the facts' keys and bodies."""
    params = {"tenant": tenant, "after_us": after[0], "after_id": after[1], "most": CHUNK}
    rows = yield Statement("calls_created_after", params)
    folded_up_to = yield from refold_position(tenant)
    stored = (yield from _load_states(tenant, rows)) if rows else []
    findings = [found for each in stored for read in each.facts for found in _check_fact(tenant, read)]
    due = [each for each in stored if folded_up_to is None or each.row[0] <= folded_up_to]
    states = [_folded_state(tenant, each) for each in due]
    whole = [each for each in states if isinstance(each, _FoldedState)]
    missing = [row for each in whole for row in missing_turns(tenant, each.sessions)]
    packed = yield from fetch_conversations(missing)
    findings += [each for each in states if isinstance(each, InvariantFinding)]
    findings += [found for each in whole for found in _compare(tenant, each, packed)]
    if folded_up_to is not None and after == FIRST_CALL:
        findings.append(InvariantFinding(2, f"calls of {tenant}", _NOT_FOLDED))
    # Two calls can report the same fact.
    findings = list(dict.fromkeys(findings))
    return CheckResult(len(rows), findings, rows[-1][_COMPARED:] if len(rows) == CHUNK else None)


_NOT_FOLDED: Final = (
    "the facts give other records in this version of Calltally, and not all calls are recomputed yet:"
    " run `calltally migrate`"
)


def _load_states(tenant: str, rows: Sequence[Row]) -> StoreOperation[list[_StoredState]]:
    ids = ParamsTable(_BY_ID, [(tenant, row[0]) for row in rows])
    identities, words, sessions = yield from execute_batch(
        StatementMany("identities_of_calls", ids),
        StatementMany("words_of_calls", ids),
        StatementMany("sessions_of_calls", ids),
    )
    linked = _by(3, identities)
    # With the node of its own SID, even if that is lost.
    nodes = {row[0]: dict.fromkeys([each[1] for each in linked.get(row[0], ())] + [row[0]]) for row in rows}
    by_node = ParamsTable(
        _BY_NODE, [(tenant, node) for node in dict.fromkeys(chain.from_iterable(nodes.values()))]
    )
    facts = _by(0, (yield StatementMany("bodies_of_nodes", by_node)))
    words_of, sessions_of = _by(0, words), _by(2, sessions)
    return [
        _StoredState(
            row[:_COMPARED],
            row[0] in linked and all(each[1] != row[0] for each in linked[row[0]]),
            [_read(tenant, fact) for node in nodes[row[0]] for fact in facts.get(node, ())],
            [each[1] for each in words_of.get(row[0], ())],
            sessions_of.get(row[0], ()),
        )
        for row in rows
    ]


def _by(column: int, rows: Sequence[Row]) -> Mapping[bytes, list[Row]]:
    found: dict[bytes, list[Row]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(row)
    return found


def _folded_state(tenant: str, stored: _StoredState) -> _FoldedState | InvariantFinding:
    if stored.is_lost:
        return InvariantFinding(
            1, _call(tenant, stored), "its own SID does not belong to it, but other SIDs do"
        )
    if not stored.facts:
        return InvariantFinding(1, _call(tenant, stored), "there is no fact for it")
    linked_call = LinkedCall(tenant)
    for _row, fact, cursor in stored.facts:
        if fact is not None and cursor is not None:
            linked_call.sids[cursor[0]] = fact.call_sid
            linked_call.sids.update({call_uuid(tenant, link.call_sid): link.call_sid for link in fact.links})
            linked_call.facts[cursor] = fact
    if unreadable := sum(read.fact is None for read in stored.facts):
        return InvariantFinding(1, _call(tenant, stored), f"{unreadable} of its facts cannot be read")
    facts = linked_call.facts.values()
    folded = fold(tenant, linked_call.canonical(), facts)
    return _FoldedState(stored, linked_call, folded, fold_sessions(folded, facts))


def _compare(tenant: str, state: _FoldedState, packed: PackedConversations) -> Iterator[InvariantFinding]:
    """Compare the stored state of a call with the state that its facts give."""
    stored, subject, body = state.stored, _call(tenant, state.stored), encode_body(state.folded.call)
    *columns, measured, revision, updated_us, record = stored.row
    if finish_record(body, revision, updated_us) != record:
        yield InvariantFinding(2, subject, "its record differs from the record that its facts give")
    # NULL from a release without measures; those are reported together.
    elif measured not in (None, encode_measures(state.folded)):
        yield InvariantFinding(
            6, measures_of(tenant), f"the measures of {subject} differ from those that its facts give"
        )
    given = zip(_COLUMNS, columns, _columns(tenant, state.folded), strict=True)
    if wrong := ", ".join(name for name, present, wanted in given if present != wanted):
        yield InvariantFinding(2, subject, f"its columns differ from those that its facts give: {wrong}")
    summary, spoken = summary_of(body + b"}") or "", transcript_of(state.linked_call, state.sessions, packed)
    if sorted(" ".join(stored.words).split()) != sorted(indexed_words(tenant, summary, spoken).split()):
        yield InvariantFinding(2, subject, "it is not found by the words of its summary and its transcript")
    state.linked_call.sessions = {(row[2], row[1]): stored_session(row[3:]) for row in stored.sessions}
    if stored_states(state.linked_call, stored.row[0]) != folded_states(tenant, state.sessions):
        yield InvariantFinding(2, subject, "its sessions differ from those that its facts give")


def _columns(tenant: str, folded: FoldedCall) -> tuple[Any, ...]:
    call = folded.call
    state = (folded.created_us, STATUS_NUMBER[call.status], DIRECTION_NUMBER[call.direction])
    filters = (call.route, call.agent, call.provider, int(call.escalated))
    parties = (call.from_number, call.to_number, call.parent_call_sid)
    return (call_uuid(tenant, call.call_sid), call.call_sid, *state, *filters, *parties)


def _check_fact(tenant: str, read: _Read) -> Iterator[InvariantFinding]:
    node, key, *_, raw = read.row
    if read.fact is None or not _is_body(raw):
        yield InvariantFinding(1, _fact(tenant, key), "it cannot be read")
    elif (node, key) != read.cursor:
        yield InvariantFinding(1, _fact(tenant, key), "its key does not match its content")


def _read(tenant: str, row: Row) -> _Read:
    _node, _key, received_us, content, _raw = row
    try:
        # A changed byte can leave a row that still unpacks, with a number instead of a text.
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


def check_facts(tenant: str, after: FactCursor) -> StoreOperation[CheckResult]:
    """Check that the call of each fact exists, by keys alone, which are adjacent."""
    params = {"tenant": tenant, "node": after[0], "key": after[1], "most": _KEYS}
    rows = yield Statement("fact_keys_after", params)
    findings = [
        InvariantFinding(1, _fact(tenant, key), "its call is missing")
        for _node, key, has_call in rows
        if not has_call
    ]
    return CheckResult(len(rows), findings, tuple(rows[-1][:2]) if len(rows) == _KEYS else None)


def _call(tenant: str, stored: _StoredState) -> str:
    return f"call {uuid_text(stored.row[0])} of {tenant}"


def _fact(tenant: str, key: bytes) -> str:
    return f"fact {key.hex()} of {tenant}"
