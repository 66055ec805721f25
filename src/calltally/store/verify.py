"""Checks of a live ledger against its invariants (architecture.md, 1, 2, 4 and 6), a chunk at a time.

Each chunk reads one state of the database, so that a ledger which is being written to is not
called wrong for it.
"""

from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact
from calltally.calls.five_minutes import COLUMNS as STEP_COLUMNS
from calltally.calls.identity import call_uuid, uuid_text
from calltally.calls.lifecycle import fold
from calltally.calls.measures import measure
from calltally.calls.model import DIRECTION_NUMBER, STATUS_NUMBER, encode_body, seal
from calltally.calls.sessions import fold_sessions
from calltally.store.alert_steps import Differences
from calltally.store.components import Component, stored_session
from calltally.store.content import bodies, unpack_fact
from calltally.store.lookup import nodes_of, resolve
from calltally.store.refold_place import refold_place
from calltally.store.session_rows import fetch_packed, folded_states, missing_turns, spoken_by, stored_states
from calltally.store.standing import standing_of
from calltally.store.steps import Many, Row, Statement, Step
from calltally.store.texts import indexed_words, summary_of

CHUNK: Final = 500


class Finding(NamedTuple):
    """One thing that is not as it should be: which invariant, of what, and how."""

    invariant: int
    subject: str
    detail: str


class Checked(NamedTuple):
    """A chunk: how much was looked at, what was found, and where the next one begins (None: the end)."""

    looked_at: int
    findings: list[Finding]
    next: Any


def measures_of(tenant: str) -> str:
    """The subject of findings that are put right by measuring anew."""
    return f"measures of {tenant}"


def check_calls(tenant: str, after: bytes) -> Step[Checked]:
    """Refold the next calls after an id from their facts, and compare record and columns to the byte."""
    rows = yield Statement("calls_after", {"tenant": tenant, "id": after, "most": CHUNK})
    folded_up_to = yield from refold_place(tenant)
    findings: list[Finding] = []
    for row in rows:
        if folded_up_to is None or row[0] <= folded_up_to:
            findings += yield from _check_call(tenant, row)
    if folded_up_to is not None and not after:
        findings.append(Finding(2, f"calls of {tenant}", _NOT_FOLDED))
    return Checked(len(rows), findings, rows[-1][0] if len(rows) == CHUNK else None)


_NOT_FOLDED: Final = (
    "a later version of Calltally gives other records for the same facts, and not all are folded anew:"
    " run `calltally migrate`"
)


def _check_call(tenant: str, row: Row) -> Step[list[Finding]]:
    call_id, revision, updated_us, record = row[0], *row[-3:]
    nodes = yield from nodes_of(tenant, call_id)
    stored = yield Many("facts_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    subject = f"call {uuid_text(call_id)} of {tenant}"
    if not stored:
        return [Finding(1, subject, "there is no fact for it")]
    facts = [fact for *_, received_us, content in stored if (fact := _readable(content, received_us))]
    if len(facts) < len(stored):
        return [Finding(1, subject, f"{len(stored) - len(facts)} of its facts cannot be read")]
    expected = _expected_row(tenant, facts)
    findings = []
    if seal(expected[-1], revision, updated_us) != record:
        findings.append(Finding(2, subject, "its record is not what its facts give"))
    # Null where a release without measures wrote it: those are told of together.
    elif row[-4] not in (None, expected[-2]):
        findings.append(Finding(6, measures_of(tenant), f"those of {subject} are not what its facts give"))
    if tuple(row[:-4]) != expected[:-3]:
        findings.append(Finding(2, subject, "its columns are not what its facts give"))
    component, sessions = _component(tenant, facts), expected[-3]
    packed = yield from fetch_packed(missing_turns(tenant, sessions))
    words = " ".join(row[0] for row in (yield Statement("words_of_call", {"tenant": tenant, "id": call_id})))
    found_by = indexed_words(
        tenant, summary_of(expected[-1] + b"}") or "", spoken_by(component, sessions, packed)
    )
    if sorted(words.split()) != sorted(found_by.split()):
        findings.append(Finding(2, subject, "it is not found by the words of its summary and its transcript"))
    stored_rows = yield Many("sessions_of_calls", [{"tenant": tenant, "id": call_id}])
    component.sessions = {(row[2], row[1]): stored_session(row[3:]) for row in stored_rows}
    if stored_states(component, call_id) != folded_states(tenant, sessions):
        findings.append(Finding(2, subject, "its sessions are not what its facts give"))
    return findings


def _component(tenant: str, facts: list[Fact]) -> Component:
    component = Component(tenant)
    for fact in facts:
        for sid in (fact.call_sid, *(link.call_sid for link in fact.links)):
            component.sids[call_uuid(tenant, sid)] = sid
        component.facts[call_uuid(tenant, fact.call_sid), fact.key] = fact
    return component


def _expected_row(tenant: str, facts: list[Fact]) -> tuple[Any, ...]:
    """The columns of the call's row, its sessions, its measures and the body of its record."""
    canonical = _component(tenant, facts).canonical()
    folded = fold(tenant, canonical, facts)
    call = folded.call
    place = (folded.created_us, STATUS_NUMBER[call.status], DIRECTION_NUMBER[call.direction])
    filters = (call.route, call.agent, call.provider, int(call.escalated), call.from_number, call.to_number)
    named = (call_uuid(tenant, canonical.call_sid), canonical.call_sid)
    sessions = fold_sessions(folded, facts)
    return (*named, *place, *filters, sessions, measure(folded), encode_body(call))


def check_facts(tenant: str, after: tuple[bytes, bytes]) -> Step[Checked]:
    """Each fact is under the key that its content has, and belongs to a call that is there."""
    asked = {"tenant": tenant, "node": after[0], "key": after[1], "most": CHUNK}
    rows = yield Statement("facts_after", asked)
    findings: list[Finding] = []
    for node, key, received_us, content, raw in rows:
        findings += _check_fact(tenant, (node, key), _readable(content, received_us, raw))
        call_id = yield from resolve(tenant, node)
        if not (yield Statement("record_of_id", {"tenant": tenant, "id": call_id})):
            findings.append(Finding(1, _subject(tenant, key), "its call is missing"))
    return Checked(len(rows), findings, (rows[-1][0], rows[-1][1]) if len(rows) == CHUNK else None)


def _check_fact(tenant: str, key: tuple[bytes, bytes], fact: Fact | None) -> list[Finding]:
    if fact is None:
        return [Finding(1, _subject(tenant, key[1]), "it cannot be read")]
    if key != (call_uuid(tenant, fact.call_sid), fact.key):
        return [Finding(1, _subject(tenant, key[1]), "its key is not that of its content")]
    return []


def _subject(tenant: str, key: bytes) -> str:
    return f"fact {key.hex()} of {tenant}"


def _readable(content: bytes, received_us: int, raw: bytes | None = None) -> Fact | None:
    """A stored fact; None where it, or its raw body, is not what the ledger can have written."""
    try:
        fact = unpack_fact(content, received_us, b"" if raw is None else bodies.decompress(raw))
        # A byte that changed can leave a row that still unpacks, to a number where a text should be.
        return _decoder.decode(msgspec.msgpack.encode(fact))
    except (DamagedStore, msgspec.DecodeError, TypeError, ValueError):
        return None


_decoder: Final = msgspec.msgpack.Decoder(Fact)


def check_revisions(tenant: str) -> Step[Checked]:
    """Each revision is told of once at most, and from what is kept up to the head exactly once.

    What ended before is pruned, so that of older revisions only some are left.
    """
    standing = yield from standing_of(tenant)
    head, kept_from = standing.revision, standing.kept_from
    asked = {"tenant": tenant, "kept_from": kept_from}
    [(told, different, lowest, highest, kept)] = yield Statement("revisions_told", asked)
    findings = []
    each_once = told == different and kept == head - max(kept_from, 1) + 1
    if not (each_once and (lowest is None or lowest > 0) and (highest or 0) == head >= kept_from):
        told_of = f"{told} revisions are told of ({different} different, {lowest} to {highest})"
        detail = f"the head is {head}, kept from {kept_from}, but {told_of}, {kept} of those that are kept"
        findings.append(Finding(4, f"revisions of {tenant}", detail))
    return Checked(head, findings, None)


def check_steps(tenant: str, found: Differences) -> Checked:
    """The steps of one day equal its calls."""
    findings = []
    for key, cells in sorted(found.lacking.items()):
        lacking = ", ".join(f"{n:+d} {name}" for name, n in zip(STEP_COLUMNS, cells, strict=True) if n)
        whose = ", ".join(f"{name} {value}" for name, value in key._asdict().items() if value)
        findings.append(Finding(6, f"alert steps of {tenant}, {whose}", f"it lacks {lacking}"))
    return Checked(found.looked_at, findings, None)
