"""Every kind of damage is found, and counters are put right."""

from collections.abc import Callable

import msgspec
import pytest

from calltally.calls.errors import SnapshotGone
from calltally.calls.filters import ListQuery
from calltally.calls.identity import Node, call_uuid
from calltally.calls.model import OPEN, STATUSES
from calltally.store.content import pack_fact
from calltally.store.listing import list_calls
from calltally.store.verify_past import SAMPLES
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import Direct, direct, submit, verdict
from tests.telling import SID, fact, own

OTHER = "CA" + "1" * 32
NODE = call_uuid(TENANT, SID)
ONE_CALL = "WHERE tenant = 'acme' AND id = ?"
ONE_SID = "WHERE tenant = 'acme' AND node = ?"
Damage = Callable[[Direct], object]


@pytest.fixture
def ledger(bench: Bench) -> Bench:
    """Two calls of some revisions, one of which swallowed a third."""
    submit(bench, fact(1, status="ringing", direction="inbound", mapped_route="support"))
    submit(bench, fact(2, status="in-progress", sequence=1), own(3, "platform-1", summary="Asked."))
    submit(bench, fact(9, status="completed", sequence=2), fact(9, status="completed", sequence=2))
    submit(bench, fact(70, OTHER, status="busy"), own(4, "platform-1", links=(Node(OTHER, is_carrier=True),)))
    return bench


def _change_record(db: Direct) -> None:
    [(record,)] = db(f"SELECT record FROM calls {ONE_CALL}", NODE)
    db(f"UPDATE calls SET record = ? {ONE_CALL}", bytes(record).replace(b"completed", b"cpmpleted"), NODE)


def _change_content(db: Direct, content: bytes) -> None:
    db(f"UPDATE facts SET content = ? {ONE_SID}", content, NODE)


def _wrong_type() -> bytes:
    row = msgspec.msgpack.decode(pack_fact(fact(1, status="ringing")))
    row[4] = 5
    return msgspec.msgpack.encode(row)


DAMAGE: dict[str, tuple[set[int], Damage]] = {
    "a byte of a record": ({2, 6}, _change_record),
    "a column": ({2}, lambda db: db(f"UPDATE calls SET from_number = '+15550100' {ONE_CALL}", NODE)),
    "a state": ({2, 6}, lambda db: db(f"UPDATE calls SET status = 7 {ONE_CALL}", NODE)),
    "a creation": ({2, 6}, lambda db: db(f"UPDATE calls SET created_us = 1790000000000000 {ONE_CALL}", NODE)),
    "a lost fact": ({2}, lambda db: db(f"DELETE FROM facts {ONE_SID} AND key = ?", NODE, _first_key())),
    "all facts lost": ({1}, lambda db: db(f"DELETE FROM facts {ONE_SID}", NODE)),
    "a lost call": ({1, 4, 6}, lambda db: db(f"DELETE FROM calls {ONE_CALL}", NODE)),
    "a wrong key": (
        {1},
        lambda db: db(f"UPDATE facts SET key = ? {ONE_SID} AND key = ?", b"0" * 16, NODE, _first_key()),
    ),
    "a fact of another call": (
        {1, 2},
        lambda db: db(
            f"UPDATE facts SET node = ? {ONE_SID} AND key = ?", call_uuid(TENANT, OTHER), NODE, _first_key()
        ),
    ),
    "an unreadable fact": ({1}, lambda db: _change_content(db, b"\xff")),
    "a fact with a number for a text": ({1}, lambda db: _change_content(db, _wrong_type())),
    "an unreadable body": ({1}, lambda db: db(f"UPDATE facts SET raw = ? {ONE_SID}", b"nonsense", NODE)),
    "a hole in the revisions": ({4}, lambda db: db("UPDATE ledger_heads SET revision = revision + 1")),
    "a head that went back": ({4}, lambda db: db("UPDATE ledger_heads SET revision = revision - 1")),
    "a lost version": ({4}, lambda db: db("DELETE FROM call_versions WHERE id = ? AND valid_from = 1", NODE)),
    "a lost tombstone": ({4}, lambda db: db("DELETE FROM tombstones")),
}
MISCOUNTS = {
    "one too many": "UPDATE counts SET busy_unknown = busy_unknown + 1 WHERE width_s = 60 AND facet = ''",
    "one too few": "UPDATE counts SET completed_inbound = 0 WHERE width_s = 3600 AND facet = 'route=support'",
    "a wrong sum": "UPDATE counts SET calls = calls + 1 WHERE width_s = 3600 AND facet = ''",
    "a lost row": "DELETE FROM counts WHERE width_s = 86400 AND facet = ''",
    "a row without calls": (
        "INSERT INTO counts (tenant, facet, width_s, bucket_s, revision, changes, calls, busy_unknown)"
        " VALUES ('acme', 'route=none', 3600, 1490000400, 1, 1, 1, 1)"
    ),
}


def _first_key() -> bytes:
    return fact(1, status="ringing", direction="inbound", mapped_route="support").key


def test_a_sound_ledger_is_clean(ledger: Bench) -> None:
    told = verdict(ledger)
    assert (told.findings, told.is_clean) == ([], True)
    assert told.looked_at == {
        "calls": 2,
        "facts": 6,
        "revisions": 6,
        "counted": 2,
        "stepped": 2,
        "measured": 2,
        "pages": SAMPLES,
    }


def test_an_empty_ledger_is_clean(bench: Bench) -> None:
    told = verdict(bench)
    assert (told.is_clean, told.looked_at["calls"]) == (True, 0)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_not_repaired(ledger: Bench, damage: str) -> None:
    invariants, do = DAMAGE[damage]
    with direct(ledger.url) as db:
        do(db)
    told = verdict(ledger)
    assert {finding.invariant for finding in told.findings} == invariants
    assert not told.is_clean
    assert verdict(ledger, repair=True).is_clean is False
    left = verdict(ledger)
    # Counters that equal damaged rows would hide the damage, so they are left as well.
    assert {finding.invariant for finding in left.findings} == invariants


@pytest.mark.parametrize("miscount", MISCOUNTS)
def test_counters_are_put_right_when_asked(ledger: Bench, miscount: str) -> None:
    with direct(ledger.url) as db:
        db(MISCOUNTS[miscount])
    told = verdict(ledger)
    assert {finding.invariant for finding in told.findings} == {6}
    assert (told.is_clean, told.repaired) == (False, 0)
    repaired = verdict(ledger, repair=True)
    assert repaired.is_clean
    assert repaired.repaired == len(told.findings)
    assert verdict(ledger).findings == []
    submit(ledger, fact(80, OTHER, status="failed", sequence=9))
    assert verdict(ledger).findings == []


def test_only_the_tenants_named_are_looked_at(ledger: Bench) -> None:
    other = ledger.new_tenant()
    submit(ledger, fact(1), tenant=other)
    with direct(ledger.url) as db:
        db("UPDATE ledger_heads SET revision = 9 WHERE tenant = 'acme'")
    assert verdict(ledger, other).is_clean
    assert len(verdict(ledger, TENANT, other).findings) == 1


def test_a_ledger_of_more_than_a_chunk_is_walked_to_its_end(bench: Bench) -> None:
    submit(bench, *[fact(number, f"CA{number:032x}", status="ringing") for number in range(1_001)])
    told = verdict(bench)
    assert told.is_clean
    walked = dict.fromkeys(("calls", "facts", "revisions", "counted", "stepped", "measured"), 1_001)
    assert told.looked_at == {**walked, "pages": SAMPLES}


def test_a_wrong_history_of_counters_is_found_by_sampled_pages(bench: Bench) -> None:
    """Nearly every fact is a commit of its own, so that most pages that are drawn are of the past."""
    for turn in range(40):
        status = STATUSES[turn % len(OPEN)]
        sid, event_id = f"call-{turn % 5}", f"turn {turn}"
        submit(bench, own(turn % 5, sid, event_id=event_id, sequence=turn, status=status))
    assert verdict(bench).findings == []
    assert verdict(bench).looked_at["pages"] == SAMPLES
    with direct(bench.url) as db:
        db("UPDATE count_history SET calls = calls + 1 WHERE facet = ''")
    assert {finding.invariant for finding in verdict(bench).findings} == {5}


def test_words_that_are_not_those_of_the_summary_are_found(bench: Bench) -> None:
    submit(bench, own(1, summary="Found by this."))
    assert verdict(bench).findings == []
    with direct(bench.url) as db:
        db("DELETE FROM call_texts")
    details = [finding.detail for finding in verdict(bench).findings]
    assert details == ["it is not found by the words of its summary and its transcript"]


def test_snapshots_from_before_a_repair_are_not_told(bench: Bench) -> None:
    """A counter that was wrong may have been so for long."""
    submit(bench, own(1))
    before = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    submit(bench, own(2, "call-2"))
    with direct(bench.url) as db:
        db("UPDATE counts SET calls = calls + 1 WHERE width_s = 60")
    assert verdict(bench, repair=True).repaired == 1
    with pytest.raises(SnapshotGone):
        bench.run(bench.store.read(list_calls(TENANT, ListQuery(snapshot=before))))
    assert bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).total == 2
