"""Erasure: no content or name of an erased call is left, and other calls stay unchanged."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.errors import DamagedStore, Erased, NotFound
from calltally.calls.events import Fact, IngestOutcome
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.ingest.imports import import_facts
from calltally.store.db.fact_codec import body_codec
from calltally.store.ledger.lookup import facts_of_call
from calltally.store.maintenance.erasure import erase_call
from calltally.store.snapshots.change_feed import changes_after
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import LedgerHead
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import Direct, direct, found, listed, submit, verdict
from tests.sample_facts import fact, own
from tests.strategies import SIDS, facts

SID, PLATFORM, OTHER = "CA" + "7" * 32, "platform-zebrafinch", "CA" + "1" * 32
# Texts that identify the call or its parties: none of them may be found afterwards.
TRACES = (SID, PLATFORM, "+15550199", "+15550188", "5550177", "zebrafinch", "okapi", "quetzal", "event-of-it")
# Tables that contain them before, which proves that the search works.
HOLDERS = {"calls", "facts", "identities", "call_texts", "call_versions", "outbox"}
_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])


def record_calls(bench: Bench, tenant: str = TENANT) -> None:
    """Record a call of two SIDs that changed its numbers, words and name, and another call."""
    raw = f"CallSid={SID}&From=+15550199&Note=quetzal".encode()
    about: dict[str, Any] = {"mapped_route": "support", "direction": "inbound"}
    submit(bench, fact(1, SID, status="ringing", from_number="+15550199", raw=raw, **about), tenant=tenant)
    submit(bench, fact(2, OTHER, status="ringing", from_number="+15550100", summary="Stays."), tenant=tenant)
    submit(bench, own(3, PLATFORM, event_id="event-of-it", summary="The Zebrafinch asked."), tenant=tenant)
    submit(bench, own(4, PLATFORM, links=(Node(SID, is_carrier=True),), to_number="+15550188"), tenant=tenant)
    submit(
        bench,
        fact(9, SID, status="completed", sequence=2, from_number="+15550177", raw=raw, **about),
        own(9, SID, summary="An okapi, said the quetzal.", escalated=True),
        fact(8, OTHER, status="completed", sequence=2),
        tenant=tenant,
    )


def tables(db: Direct, bench: Bench) -> list[str]:
    if bench.store.dialect == "sqlite":
        rows = db("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        rows = db("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    return [name for (name,) in rows]


def texts(value: object) -> Iterator[str]:
    """Yield a column value as text, packed values also unpacked."""
    if not isinstance(value, bytes | memoryview):
        yield str(value)
        return
    yield bytes(value).decode("latin-1")
    try:
        yield body_codec.decompress(bytes(value)).decode("latin-1")
    except DamagedStore:
        return


def holders(bench: Bench, *traces: str) -> set[str]:
    """Return the tables that contain any of the traces."""
    with direct(bench.url) as db:
        return {
            table
            for table in tables(db, bench)
            for row in db(f'SELECT * FROM "{table}"')
            for value in row
            for text in texts(value)
            if any(trace.lower() in text.lower() for trace in traces)
        }


def erase(bench: Bench, id_or_sid: str, tenant: str = TENANT) -> bool:
    return bench.run(bench.store.write(erase_call(tenant, id_or_sid, NOW_US)))


def ledger_head(bench: Bench, tenant: str = TENANT) -> LedgerHead:
    return bench.run(bench.store.read(read_ledger_head(tenant)))


@pytest.mark.parametrize("named", [SID, PLATFORM, uuid_text(call_uuid(TENANT, SID))])
def test_no_trace_is_left_in_any_table(bench: Bench, named: str) -> None:
    record_calls(bench)
    assert holders(bench, *TRACES) >= HOLDERS
    other = found(bench, OTHER), bench.run(bench.store.read(facts_of_call(TENANT, OTHER)))
    assert erase(bench, named)
    assert holders(bench, *TRACES) == set()
    assert (found(bench, OTHER), bench.run(bench.store.read(facts_of_call(TENANT, OTHER)))) == other
    assert [call["call_sid"] for call in listed(bench)] == [OTHER]
    assert verdict(bench).findings == []
    for name in (SID, PLATFORM, uuid_text(call_uuid(TENANT, PLATFORM)), uuid_text(call_uuid(TENANT, SID))):
        with pytest.raises(Erased):
            found(bench, name)


def test_erasure_takes_one_revision_and_is_counted(bench: Bench) -> None:
    record_calls(bench)
    before = ledger_head(bench)
    assert erase(bench, SID)
    after = ledger_head(bench)
    assert (after.revision, after.erasures) == (before.revision + 1, before.erasures + 1)
    assert not erase(bench, SID)
    assert not erase(bench, PLATFORM)
    assert ledger_head(bench) == after


@pytest.mark.parametrize("named", ["nobody", uuid_text(call_uuid("bolt", SID)), "", "0" * 32])
def test_unknown_call_is_not_erased(bench: Bench, named: str) -> None:
    record_calls(bench)
    before = ledger_head(bench)
    with pytest.raises(NotFound):
        erase(bench, named)
    assert ledger_head(bench) == before


def test_call_with_the_same_sid_of_another_tenant_stays(bench: Bench) -> None:
    bench.add_tenant("bolt")
    record_calls(bench)
    record_calls(bench, "bolt")
    theirs = listed(bench, "bolt")
    erase(bench, SID)
    assert listed(bench, "bolt") == theirs
    assert verdict(bench, TENANT, "bolt").findings == []
    (again,) = submit(bench, own(20, SID, summary="Once more."), tenant="bolt")
    assert again.outcome == IngestOutcome.APPLIED


def test_facts_of_an_erased_call_are_refused(bench: Bench) -> None:
    record_calls(bench)
    erase(bench, SID)
    before = ledger_head(bench)
    again = [
        fact(1, SID, status="ringing", from_number="+15550199"),
        fact(50, SID, status="busy", sequence=7),
        own(50, PLATFORM, summary="The Zebrafinch asked."),
        # A new SID, linked to the erased call.
        own(50, "platform-okapi", links=(Node(SID, is_carrier=True),)),
    ]
    fresh = own(51, "fresh", summary="Stays too.")
    recorded = submit(bench, *again[:2], fresh, *again[2:])
    assert [each.outcome for each in recorded] == [
        *(
            IngestOutcome.REFUSED,
            IngestOutcome.REFUSED,
            IngestOutcome.APPLIED,
            IngestOutcome.REFUSED,
            IngestOutcome.REFUSED,
        )
    ]
    for each in (*recorded[:2], *recorded[3:]):
        assert (each.call_id, each.revision) == (None, None)
        assert each.reason == "the call was erased; new facts of it are refused"
    assert ledger_head(bench).revision == before.revision + 1
    assert holders(bench, *TRACES) == set()
    assert sorted(call["call_sid"] for call in listed(bench)) == [OTHER, "fresh"]
    assert verdict(bench).findings == []


def test_import_counts_facts_of_an_erased_call_as_refused(bench: Bench) -> None:
    record_calls(bench)
    erase(bench, SID)
    reported = [fact(1, SID, status="ringing"), fact(2, "CA" + "2" * 32, status="busy")]
    report = bench.run(import_facts(bench.store, TENANT, items=reported))
    assert (report.recorded, report.refused, report.total) == (1, 1, 2)
    assert holders(bench, SID) == set()


def test_change_feed_has_one_tombstone(bench: Bench) -> None:
    record_calls(bench)
    before = ledger_head(bench).revision
    erase(bench, SID)
    changed = bench.run(bench.store.read(changes_after(TENANT, before, 10)))
    (tombstone,) = changed.documents
    assert b'"tombstone":"erased","merged_into":null' in tombstone
    assert uuid_text(call_uuid(TENANT, SID)).encode() in tombstone


# -------------------------------------------------------------------------------------------- any history


@st.composite
def histories(draw: st.DrawFn) -> list[list[Fact] | str]:
    """Draw commits of facts, and between them SIDs of calls to erase."""
    commit = st.lists(facts(), min_size=1, max_size=6)
    return draw(st.lists(commit | st.sampled_from(SIDS), min_size=2, max_size=8))


def test_ledger_verifies_after_any_facts_and_erasures(bench: Bench) -> None:
    @_SLOW
    @given(histories())
    def check(history: list[list[Fact] | str]) -> None:
        tenant = bench.new_tenant()
        erased: set[str] = set()
        for each in history:
            if isinstance(each, str):
                erased |= _erase_if_there(bench, tenant, each)
            else:
                submit(bench, *each, tenant=tenant)
            assert erased.isdisjoint(call["id"] for call in listed(bench, tenant))
        assert verdict(bench, tenant).findings == []
        assert ledger_head(bench, tenant).erasures == len(erased)

    check()


def _erase_if_there(bench: Bench, tenant: str, sid: str) -> set[str]:
    """Erase the call if it exists, and return its id."""
    try:
        call = found(bench, sid, tenant)
    except Erased:
        assert not erase(bench, sid, tenant)
        return set()
    if call is None:
        return set()
    assert erase(bench, call["call_sid"], tenant)
    return {call["id"]}
