"""Launch quality compared with a count of the calls one by one, for any query."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.analytics.measurement import Measurement, measure, window_of
from calltally.analytics.query import QualityQuery
from calltally.calls.events import Channel, Fact
from calltally.calls.filters import CallFilter
from calltally.calls.measures import split_histogram
from calltally.calls.metrics import COUNTS, row_counters
from calltally.calls.model import FINAL
from calltally.calls.times import SECOND_US, parse_instant
from calltally.store.ledger.lookup import facts_of_call
from calltally.store.rollups.quality_delta import QualityTotals
from tests.conftest import NOW_US, Bench
from tests.examples import examples
from tests.integration.store.probing import listed, submit
from tests.strategies import START_US, STEPS_US, facts

Call = dict[str, Any]
_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
ZONES = ("UTC", "Asia/Kolkata", "America/Montreal", "Australia/Lord_Howe")
# Edges on full hours, beside them, and at instants of calls.
EDGES = (*STEPS_US, 1_000, 560 * SECOND_US, 3_560 * SECOND_US, 90_061 * SECOND_US)

instants = st.builds(
    lambda step, back: START_US + step - back, st.sampled_from(EDGES), st.sampled_from([0, 1, 10**9])
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "direction": st.sampled_from(["inbound", "outbound"]),
        "route": st.sampled_from(["support", "sales"]),
        "provider": st.sampled_from(["twilio", "switch"]),
        "agent": st.sampled_from(["vera", "otto"]),
        "statuses": st.sampled_from([("completed",), ("queued", "busy")]),
        "escalated": st.booleans(),
    },
)
keys = st.lists(
    st.sampled_from(["route", "provider", "agent", "direction", "end_reason", "country"]),
    max_size=2,
    unique=True,
)


def label_of(step: str | None, call: Call, zone: ZoneInfo) -> str:
    """Return the bucket label of a call by its local time, computed independently of the product."""
    local = datetime.fromisoformat(call["created_at"]).astimezone(zone)
    day = local.date()
    if step == "hour":
        whole = local.replace(minute=0, second=0, microsecond=0)
        return whole.isoformat(timespec="seconds")
    if step == "week":
        return datetime.fromisocalendar(*day.isocalendar()[:2], 1).date().isoformat()
    return {"day": day.isoformat(), "month": f"{day:%Y-%m}-01", None: ""}[step]


def is_meant(call: Call, calls: CallFilter) -> bool:
    created_us = parse_instant(call["created_at"])
    exact = ("direction", "route", "provider", "agent", "escalated")
    return (
        (calls.from_us or 0) <= created_us < (calls.to_us or 0)
        and (not calls.statuses or call["status"] in calls.statuses)
        and all(getattr(calls, name) in (None, call[name]) for name in exact)
    )


def sources_of(bench: Bench, tenant: str, call: Call) -> tuple[bool, bool]:
    """Return whether a fact of a call can state transfers, and escalations."""
    stored = bench.run(bench.store.read(facts_of_call(tenant, call["id"]))) or []
    facts = [each.fact for each in stored]
    is_own = any(fact.channel == Channel.OWN_EVENT for fact in facts)
    reported = any(not fact.is_carrier and fact.stated.get("status") in FINAL for fact in facts)
    return is_own or reported, is_own or any("escalated" in fact.stated for fact in facts)


def counted(calls: Iterable[Call]) -> dict[str, int]:
    """Return the counts of metrics.md, from the records and the sources of their facts."""
    found = dict.fromkeys((count.name for count in COUNTS), 0)
    for call in calls:
        answered = call["status"] in FINAL and call["answered_at"] is not None
        long = answered and call["duration_seconds"] >= 10
        bridged = (call["transfer"] or {}).get("outcome") == "bridged"
        knows_transfers, knows_escalation = (answered and known for known in call["sources"])
        for name, is_so in {
            "attempts": True,
            "open": call["status"] not in FINAL,
            "final": call["status"] in FINAL,
            call["status"].replace("-", "_"): True,
            "answered": answered,
            "human_answered": answered,
            "escalated": answered and call["escalated"],
            "long_calls": long,
            "short_calls": answered and not long,
            "transfer_known": knows_transfers,
            "known_transfers": knows_transfers and bridged,
            "escalation_known": knows_escalation,
            "handed_over": knows_transfers and (call["escalated"] or bridged),
            "containable": knows_transfers and long,
            "contained": knows_transfers and long and not (call["escalated"] or bridged),
        }.items():
            if name in found:
                found[name] += is_so
    return found


def grouped(calls: list[Call], query: QualityQuery) -> dict[tuple[Any, ...], list[Call]]:
    groups: dict[tuple[Any, ...], list[Call]] = {}
    zone = ZoneInfo(query.zone)
    for call in calls:
        if is_meant(call, query.filter):
            values = tuple(None if name == "country" else call[name] for name in query.keys)
            groups.setdefault((values, label_of(query.step, call, zone)), []).append(call)
    return groups


def labelled(measured: Measurement) -> dict[tuple[Any, ...], QualityTotals]:
    buckets = measured.window.buckets
    return {(values, buckets[index].label): totals for (values, index), totals in measured.groups.items()}


def measured(bench: Bench, tenant: str, query: QualityQuery) -> Measurement:
    return bench.run(bench.store.read(measure(tenant, query, window_of(query, NOW_US))))


def check_equal(measured: Measurement, calls: list[Call], query: QualityQuery) -> None:
    expected, found = grouped(calls, query), labelled(measured)
    assert found.keys() == expected.keys()
    for group, totals in found.items():
        columns = totals.columns()
        counters = row_counters(COUNTS)
        assert {name: count(totals.counts) for name, count in counters.items()} == counted(expected[group])
        talks = [
            call["duration_seconds"]
            for call in expected[group]
            if call["status"] in FINAL and call["answered_at"] is not None
        ]
        assert columns["talk_seconds"] == sum(talks)
        histogram = split_histogram(totals.bins, "talk_seconds")
        assert sum(histogram.values()) == (len(talks) if query.percentiles else 0)


def test_every_report_equals_a_count_of_the_calls(bench: Bench) -> None:
    questions = st.tuples(
        instants,
        instants,
        filters,
        keys,
        st.sampled_from([None, "hour", "day", "week", "month"]),
        st.sampled_from(ZONES),
        st.booleans(),
    )

    @_SLOW
    @given(st.lists(facts(), min_size=1, max_size=15), st.lists(questions, min_size=3, max_size=6))
    def check(facts: list[Fact], queries: list[Any]) -> None:
        tenant = bench.new_tenant()
        for at in range(0, len(facts), 4):
            submit(bench, *facts[at : at + 4], tenant=tenant)
        calls = [{**call, "sources": sources_of(bench, tenant, call)} for call in listed(bench, tenant)]
        for one, other, named, names, step, zone, percentiles in queries:
            window = {"from_us": min(one, other), "to_us": max(one, other) + 1}
            query = QualityQuery(
                CallFilter(**window, **named), tuple(names), step, zone, percentiles=percentiles
            )
            if step == "hour" and zone == "Australia/Lord_Howe":
                continue  # Its clock changes by half an hour: see the tests of buckets.
            check_equal(measured(bench, tenant, query), calls, query)

    check()
