"""Every kind of damage is found, and wrong counters are repaired."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from calltally.calls.errors import DamagedStore, SnapshotGone
from calltally.calls.identity import Node, call_uuid
from calltally.calls.list_query import ListQuery
from calltally.calls.model import OPEN, STATUSES
from calltally.store.db.fact_codec import pack_fact
from calltally.store.db.operation import AnyStatement, Batch, Rows, run_operation
from calltally.store.listing.list_calls import list_calls
from calltally.store.verify import calls
from calltally.store.verify.snapshots import SAMPLES
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import Direct, direct, submit, verdict
from tests.sample_facts import SID, fact, own

OTHER = "CA" + "1" * 32
NODE = call_uuid(TENANT, SID)
ONE_CALL = "WHERE tenant = 'acme' AND id = ?"
ONE_SID = "WHERE tenant = 'acme' AND node = ?"
Damage = Callable[[Direct], object]


@pytest.fixture
def ledger(bench: Bench) -> Bench:
    """Store two calls with several revisions; a third call was merged into one of them."""
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
    "a creation's sign": (
        {2, 6},
        lambda db: db(f"UPDATE calls SET created_us = created_us - {2**62} - {2**62} {ONE_CALL}", NODE),
    ),
    "a creation of no calendar": (
        {2, 6},
        lambda db: db(f"UPDATE calls SET created_us = {2**62} {ONE_CALL}", NODE),
    ),
    "the first of all instants": (
        {2, 6},
        lambda db: db(f"UPDATE calls SET created_us = -{2**63 - 1} - 1 {ONE_CALL}", NODE),
    ),
    "the last of all instants": (
        {2, 6},
        lambda db: db(f"UPDATE calls SET created_us = {2**63 - 1} {ONE_CALL}", NODE),
    ),
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
    "a lost identity": ({1}, lambda db: db(f"DELETE FROM identities {ONE_SID}", call_uuid(TENANT, OTHER))),
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


def test_valid_ledger_is_clean(ledger: Bench) -> None:
    reported = verdict(ledger)
    assert (reported.findings, reported.is_clean) == ([], True)
    assert reported.rows_read == {
        "calls": 2,
        "facts": 6,
        "revisions": 6,
        "counted": 2,
        "stepped": 2,
        "measured": 2,
        "pages": SAMPLES,
    }


def test_empty_ledger_is_clean(bench: Bench) -> None:
    reported = verdict(bench)
    assert (reported.is_clean, reported.rows_read["calls"]) == (True, 0)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_not_repaired(ledger: Bench, damage: str) -> None:
    invariants, do = DAMAGE[damage]
    with direct(ledger.url) as db:
        do(db)
    reported = verdict(ledger)
    assert {finding.invariant for finding in reported.findings} == invariants
    assert not reported.is_clean
    assert verdict(ledger, repair=True).is_clean is False
    left = verdict(ledger)
    # Counters repaired from damaged rows would hide the damage, so they stay as well.
    assert {finding.invariant for finding in left.findings} == invariants


@pytest.mark.parametrize("miscount", MISCOUNTS)
def test_counters_are_repaired_on_request(ledger: Bench, miscount: str) -> None:
    with direct(ledger.url) as db:
        db(MISCOUNTS[miscount])
    reported = verdict(ledger)
    assert {finding.invariant for finding in reported.findings} == {6}
    assert (reported.is_clean, reported.repaired) == (False, 0)
    repaired = verdict(ledger, repair=True)
    assert repaired.is_clean
    assert repaired.repaired == len(reported.findings)
    assert verdict(ledger).findings == []
    submit(ledger, fact(80, OTHER, status="failed", sequence=9))
    assert verdict(ledger).findings == []


def test_only_named_tenants_are_checked(ledger: Bench) -> None:
    other = ledger.new_tenant()
    submit(ledger, fact(1), tenant=other)
    with direct(ledger.url) as db:
        db("UPDATE ledger_heads SET revision = 9 WHERE tenant = 'acme'")
    assert verdict(ledger, other).is_clean
    assert len(verdict(ledger, TENANT, other).findings) == 1


def test_ledger_of_several_chunks_is_checked_to_its_end(bench: Bench) -> None:
    submit(bench, *[fact(number, f"CA{number:032x}", status="ringing") for number in range(1_001)])
    reported = verdict(bench)
    assert reported.is_clean
    walked = dict.fromkeys(("calls", "facts", "revisions", "counted", "stepped", "measured"), 1_001)
    assert reported.rows_read == {**walked, "pages": SAMPLES}


def test_all_calls_of_one_instant_are_checked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk ends between them, and a chunk ends with the last of them."""
    submit(bench, *[fact(1, f"CA{number:032x}", status="ringing") for number in range(6)])
    for chunk in (2, 4, 6):
        monkeypatch.setattr(calls, "CHUNK", chunk)
        monkeypatch.setattr(calls, "_KEYS", chunk)
        reported = verdict(bench)
        assert (reported.findings, reported.rows_read["calls"], reported.rows_read["facts"]) == ([], 6, 6)


@pytest.mark.parametrize("created_us", [-(2**63), -(2**62) - 1, 0, 2**62])
def test_call_with_any_creation_time_is_checked(bench: Bench, created_us: int) -> None:
    submit(bench, fact(1, status="ringing"), fact(1, OTHER, status="busy"))
    with direct(bench.url) as db:
        db(f"UPDATE calls SET created_us = ? {ONE_CALL}", created_us, NODE)
    checked = bench.run(bench.store.read(calls.check_calls(TENANT, calls.FIRST_CALL)))
    assert (checked.rows_read, checked.next) == (2, None)
    assert [finding.detail for finding in checked.findings] == [
        "its columns differ from those that its facts give: created_us"
    ]


def test_facts_of_a_lost_identity_are_checked(ledger: Bench) -> None:
    with direct(ledger.url) as db:
        node = call_uuid(TENANT, OTHER)
        db(f"DELETE FROM identities {ONE_SID}", node)
        db(f"UPDATE facts SET raw = ? {ONE_SID}", b"nonsense", node)
    details = {finding.detail for finding in verdict(ledger).findings}
    assert details == {"its own SID does not belong to it, but other SIDs do", "it cannot be read"}


def test_fact_of_two_calls_is_reported_once(bench: Bench) -> None:
    submit(bench, fact(1), fact(2, OTHER), own(3, OTHER, links=(Node("CA" + "2" * 32, is_carrier=True),)))
    [(_tenant, _node, sid, call_id)] = _identity_of(bench, OTHER)
    with direct(bench.url) as db:
        db(
            "INSERT INTO identities (tenant, node, call_sid, id) VALUES (?, ?, ?, ?)",
            TENANT,
            NODE,
            sid,
            call_id,
        )
        db(f"UPDATE facts SET content = ? {ONE_SID}", b"\xff", NODE)
    found = [f.subject for f in verdict(bench).findings if f.detail == "it cannot be read"]
    assert found == [f"fact {fact(1).key.hex()} of {TENANT}"]


def _identity_of(bench: Bench, sid: str) -> list[tuple[Any, ...]]:
    with direct(bench.url) as db:
        requested = "SELECT tenant, node, call_sid, id FROM identities"
        return db(f"{requested} {ONE_SID}", call_uuid(TENANT, sid))


@pytest.mark.parametrize("raw", [None, "text"])
def test_body_of_another_type_is_unreadable(raw: str | None) -> None:
    """Only a damaged file of SQLite can contain one."""
    reported = fact(1, status="ringing", direction="inbound")
    row = (NODE, reported.key, reported.received_us, pack_fact(reported), raw)
    call = (NODE, *([None] * 12), 1, 1, b"", reported.occurred_us, NODE)
    rows: dict[str, Rows] = {"calls_created_after": [call], "bodies_of_nodes": [row]}

    def answer(request: AnyStatement | Batch) -> list[Any]:
        if isinstance(request, Batch):
            return [answer(each) for each in request.statements]
        return rows.get(request.name, [])

    checked = run_operation(calls.check_calls(TENANT, calls.FIRST_CALL), answer)
    assert f"fact {reported.key.hex()} of {TENANT}" in [finding.subject for finding in checked.findings]


def test_facts_are_checked_before_their_calls_are_folded_again(ledger: Bench) -> None:
    """Otherwise a fold that fails at a fact asks for `verify`, and `verify` asks for `migrate`."""
    with direct(ledger.url) as db:
        db("INSERT INTO refolds (tenant, after_id) VALUES ('acme', ?)", b"")
        _change_content(db, b"\xff")
    details = {finding.detail for finding in verdict(ledger).findings}
    assert "it cannot be read" in details


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "column", ["status = 7", "route = 'x'", "agent = 'x'", "created_us = created_us + 1"]
)
def test_wrong_column_alone_is_found(bench: Bench, column: str) -> None:
    """SQLite's list index has these columns too, and the ledger updates counters by the row's columns."""
    submit(bench, fact(1, status="ringing"), fact(1, OTHER, status="busy"))
    with direct(bench.url) as db:
        _without_index(db, f"UPDATE calls SET {column} {ONE_CALL}")
    details = [finding.detail for finding in verdict(bench).findings]
    assert f"its columns differ from those that its facts give: {column.split(maxsplit=1)[0]}" in details


def _without_index(db: Direct, sql: str) -> None:
    """Change rows while the database does not know the index, so that the index stays as it is."""
    named = "name = 'calls_listed'"
    db("PRAGMA writable_schema = 1")
    [index] = db(f"SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE {named}")
    db(f"DELETE FROM sqlite_schema WHERE {named}")
    db("PRAGMA writable_schema = RESET")
    db(sql, NODE)
    db("PRAGMA writable_schema = 1")
    db("INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?)", *index)
    db("PRAGMA writable_schema = RESET")


def test_wrong_history_of_counters_is_found_by_sampled_pages(bench: Bench) -> None:
    """Nearly every fact is a commit of its own, so that most random pages are of older revisions."""
    for round_number in range(40):
        status = STATUSES[round_number % len(OPEN)]
        sid, event_id = f"call-{round_number % 5}", f"turn {round_number}"
        submit(bench, own(round_number % 5, sid, event_id=event_id, sequence=round_number, status=status))
    assert verdict(bench).findings == []
    assert verdict(bench).rows_read["pages"] == SAMPLES
    with direct(bench.url) as db:
        db("UPDATE count_history SET calls = calls + 1 WHERE facet = ''")
    assert {finding.invariant for finding in verdict(bench).findings} == {5}


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_page_of_calls_without_rows_reports_the_damage(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"))
    with direct(bench.url) as db:
        db(f"DELETE FROM calls {ONE_CALL}", NODE)
    with pytest.raises(DamagedStore, match="calltally verify"):
        bench.run(bench.store.read(list_calls(TENANT, ListQuery())))


def test_words_other_than_those_of_the_summary_are_found(bench: Bench) -> None:
    submit(bench, own(1, summary="Found by this."))
    assert verdict(bench).findings == []
    with direct(bench.url) as db:
        db("DELETE FROM call_texts")
    details = [finding.detail for finding in verdict(bench).findings]
    assert details == ["it is not found by the words of its summary and its transcript"]


def test_snapshots_before_a_repair_are_gone(bench: Bench) -> None:
    """A wrong counter can have been wrong for long."""
    submit(bench, own(1))
    before = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    submit(bench, own(2, "call-2"))
    with direct(bench.url) as db:
        db("UPDATE counts SET calls = calls + 1 WHERE width_s = 60")
    assert verdict(bench, repair=True).repaired == 1
    with pytest.raises(SnapshotGone):
        bench.run(bench.store.read(list_calls(TENANT, ListQuery(snapshot=before))))
    assert bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).total == 2
