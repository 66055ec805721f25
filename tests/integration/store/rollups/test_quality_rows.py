"""Quality roll-ups equal the calls exactly after any facts, merges, erasures and repairs."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid
from calltally.calls.measures import COLUMNS
from calltally.store.analytics.quality_repair import (
    count_unmeasured,
    measure_calls,
    quality_days,
    quality_differences,
)
from calltally.store.db.operation import Rows, Statement, StoreOperation
from calltally.store.maintenance.erasure import erase_call
from calltally.store.rollups.quality_delta import DAY, FINE, HOUR, WIDTH_S
from calltally.store.rollups.quality_rows import CLAUSES
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import direct, submit, verdict
from tests.sample_facts import SID, at_us, fact
from tests.strategies import SIDS, facts

_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
_FIRST_COUNT = 10


def stored(bench: Bench, tenant: str = TENANT) -> Rows:
    """Return every row with counts."""

    def fetch() -> StoreOperation[Rows]:
        return (yield Statement("quality_between", {"tenant": tenant, "lo_s": 0, "hi_s": 2**40}, CLAUSES))

    rows = bench.run(bench.store.read(fetch()))
    return [row for row in rows if any(row[_FIRST_COUNT:-2])]


def totals(bench: Bench, grain: int, tenant: str = TENANT) -> dict[str, int]:
    """Return the sums of all rows of a grain, without zeros."""
    rows = [row[_FIRST_COUNT:-2] for row in stored(bench, tenant) if row[0] == grain]
    summed = [sum(column) for column in zip(*rows, strict=True)]
    return {name: n for name, n in zip(COLUMNS, summed, strict=False) if n}


def is_equal(bench: Bench, tenant: str) -> bool:
    days = bench.run(bench.store.read(quality_days(tenant)))
    return not any(bench.run(bench.store.read(quality_differences(tenant, day))).missing for day in days)


def test_roll_ups_equal_the_calls_after_any_facts_merges_and_erasures(bench: Bench) -> None:
    @_SLOW
    @given(st.lists(facts(), min_size=1, max_size=20), st.sampled_from([*SIDS, ""]))
    def check(reported: list[Fact], erased: str) -> None:
        tenant = bench.new_tenant()
        for at in range(0, len(reported), 3):
            submit(bench, *reported[at : at + 3], tenant=tenant)
        assert is_equal(bench, tenant)
        before = totals(bench, DAY, tenant)
        assert all(totals(bench, grain, tenant) == before for grain in WIDTH_S)
        if any(each.call_sid == erased for each in reported):
            bench.run(bench.store.write(erase_call(tenant, erased, NOW_US)))
            assert is_equal(bench, tenant)
            after = {**before, "erased_calls": 1}
            assert all(totals(bench, grain, tenant) == after for grain in WIDTH_S)

    check()


def test_call_moves_between_rows(bench: Bench) -> None:
    submit(bench, fact(0, status="initiated", route="sales"))
    assert totals(bench, DAY) == {"attempts": 1}
    submit(bench, fact(2, status="ringing"), fact(9, status="failed", sip_code=503))
    final = {"attempts": 1, "failed": 1, "provider_failed": 1, "rang": 1, "alerted": 1}
    assert totals(bench, FINE) == {**final, "ring_seconds": 7, "pdd_ms": 2_000}
    assert totals(bench, HOUR) == totals(bench, DAY) == totals(bench, FINE)
    [fine] = [row for row in stored(bench) if row[0] == FINE]
    assert fine[3:10] == (0, "sales", "", "", "", "provider-error", "")


def test_delay_outside_the_record_is_counted_without_a_revision(bench: Bench) -> None:
    submit(bench, fact(0, status="queued"), fact(5, status="ringing"), fact(9, status="busy"))
    [before] = submit(bench, fact(3, status="initiated"))
    assert (before.outcome, before.revision) == ("ignored", 1)
    assert totals(bench, FINE)["pdd_ms"] == 2_000
    assert verdict(bench).findings == []


def test_calls_of_an_older_release_are_measured_later(bench: Bench) -> None:
    reported = [fact(n, f"call-{n}", status="completed", talk_seconds=n + 1) for n in range(3)]
    submit(bench, *reported)
    expected = stored(bench)
    with direct(bench.url) as db:
        db("UPDATE calls SET measured = NULL, measured_revision = NULL")
        db("DELETE FROM quality")
        db("UPDATE alert_steps SET transfer_known = 0")
    assert bench.run(bench.store.read(count_unmeasured(TENANT, at_us(-1), at_us(9)))) == 3
    findings = verdict(bench).findings
    assert "3 calls" in findings[0].detail
    assert bench.run(bench.store.write(measure_calls(TENANT, b""))) is None
    assert stored(bench) == expected
    assert verdict(bench).findings == []


def test_damaged_row_is_found_and_repaired(bench: Bench) -> None:
    submit(bench, fact(0, status="completed", talk_seconds=12, route="a"), fact(1, "other", status="busy"))
    bench.run(bench.store.write(erase_call(TENANT, "other", NOW_US)))
    expected = stored(bench)
    with direct(bench.url) as db:
        db("UPDATE quality SET answered = 7, histograms = NULL WHERE grain = 2 AND route = 'a'")
        db("DELETE FROM quality WHERE grain = 1")
        db("UPDATE quality SET talk_seconds = 0 WHERE grain = 3")
    found = verdict(bench, repair=True)
    assert {finding.invariant for finding in found.findings} == {6}
    assert "it lacks -6 answered, a change of its histograms" in {each.detail for each in found.findings}
    assert found.is_clean
    assert stored(bench) == expected
    assert verdict(bench).findings == []


def test_wrong_measures_are_found_and_repaired(bench: Bench) -> None:
    submit(bench, fact(0, status="completed", talk_seconds=12), fact(1, "other", status="busy"))
    expected = stored(bench)
    with direct(bench.url) as db:
        node = call_uuid(TENANT, SID)
        [(of_other,)] = db("SELECT measured FROM calls WHERE id <> ?", node)
        db("UPDATE calls SET measured = ? WHERE id = ?", of_other, node)
    found = verdict(bench, repair=True)
    assert found.findings[0].subject == "measures of acme"
    assert stored(bench) == expected
    assert verdict(bench).findings == []


def test_long_names_fit_into_a_key(bench: Bench) -> None:
    long: dict[str, Any] = {
        name: name[0] + "界" * 199 for name in ("agent", "provider_account", "end_reason")
    }
    submit(bench, fact(0, status="busy", **long))
    assert is_equal(bench, TENANT)
