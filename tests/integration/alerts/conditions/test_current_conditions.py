"""Current conditions: dead letters, wrong signatures, failing endpoints, stuck calls, late callbacks."""

import msgspec
import pytest
from structlog.testing import capture_logs

from calltally.alerts.conditions.current_conditions import current_conditions
from calltally.alerts.model.finding import AlertFinding, AlertKind
from calltally.calls.errors import Unavailable
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alerts.detector_state import put_rules
from calltally.store.tenants.dead_letters import DeadLetter, drop_failures, put_dead_letter, record_failures
from calltally.web.metrics.stored_counter import StoredCounter
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.integration.web.service import Broken, Service
from tests.sample_facts import at_us, fact


def conditions(bench: Bench) -> list[AlertFinding]:
    return list(bench.run(bench.store.read(current_conditions(TENANT, NOW_US))).findings)


def letter(bench: Bench, name: bytes, provider: str = "twilio", age_us: int = 0) -> None:
    dead_letter = DeadLetter(name, provider, NOW_US - age_us, "no CallSid", b"{}")
    bench.run(bench.store.write(put_dead_letter(TENANT, dead_letter)))


def failures(bench: Bench, count: int, provider: str = "twilio", age_us: int = 0) -> None:
    bench.run(bench.store.write(record_failures((TENANT, provider), count, NOW_US - age_us)))


def test_new_dead_letters_are_a_condition_by_provider(bench: Bench) -> None:
    assert conditions(bench) == []
    letter(bench, b"1")
    letter(bench, b"2", age_us=SECOND_US)
    letter(bench, b"3", provider="telnyx", age_us=30 * DAY_US)
    (found,) = conditions(bench)
    assert (found.kind, found.series.value, found.evidence.calls) == (AlertKind.DEAD_LETTERS, "twilio", 2)
    assert found.detail.startswith("Unread callbacks of twilio: 2 since ")


def test_many_new_wrong_signatures_are_a_condition(bench: Bench) -> None:
    failures(bench, 4)
    failures(bench, 50, provider="telnyx", age_us=3 * 3_600 * SECOND_US)
    assert conditions(bench) == []
    failures(bench, 1)
    (found,) = conditions(bench)
    assert (found.kind, found.series.value, found.evidence.calls) == (
        AlertKind.SIGNATURE_FAILURES,
        "twilio",
        5,
    )
    bench.run(bench.store.write(drop_failures(TENANT, NOW_US // SECOND_US + 1)))
    assert conditions(bench) == []
    bench.run(bench.store.write(record_failures(("nobody", "twilio"), 9, NOW_US)))


def test_rules_exclude_and_mute_conditions(bench: Bench) -> None:
    letter(bench, b"1")
    failures(bench, 9)
    for rules in (b'{"kinds": ["dead-letters"]}', b'{"mutes": [{"kind": "signature-failures"}]}'):
        bench.run(bench.store.write(put_rules(TENANT, rules, NOW_US)))
        assert [found.kind for found in conditions(bench)] == [AlertKind.DEAD_LETTERS]


def test_rejected_callbacks_are_counted_in_batches(service: Service) -> None:
    bench = service.bench

    async def reject_callbacks() -> None:
        counter = StoredCounter(bench.store, lambda: NOW_US, record_failures, interval_s=0)
        for number in range(150):
            counter.count((TENANT if number % 2 else f"made-up-{number}", "twilio"))
        assert counter._write_task is not None
        await counter._write_task
        await counter.close()

    bench.run(reject_callbacks())
    assert conditions(bench)[0].evidence.calls == 75


@pytest.mark.parametrize("fault", [Unavailable("gone"), RuntimeError("unforeseen")])
def test_unavailable_store_delays_no_callback(bench: Bench, fault: Exception) -> None:
    async def reject_callbacks() -> None:
        counter = StoredCounter(Broken(fault), lambda: NOW_US, record_failures, interval_s=0)
        counter.count((TENANT, "twilio"))
        assert counter._write_task is not None
        await counter._write_task

    with capture_logs() as logs:
        bench.run(reject_callbacks())
    assert [(line["event"], line["detail"]) for line in logs] == [
        ("counts were not written to the store", str(fault))
    ]


def stuck(bench: Bench, now_us: int) -> list[AlertFinding]:
    found = bench.run(bench.store.read(current_conditions(TENANT, now_us))).findings
    return [each for each in found if each.kind is AlertKind.MISSING_FINAL_STATE]


def test_call_is_stuck_after_the_longest_time_of_its_route(bench: Bench) -> None:
    for number in range(40):
        began = fact(number, f"done-{number}", route="slow", status="ringing")
        ended = fact(number + 1_200 + number, f"done-{number}", route="slow", status="no-answer")
        submit(bench, began, ended)
    submit(bench, fact(10, "open-1", route="slow", status="ringing"))
    submit(bench, fact(10, "open-2", route="new", status="ringing"))
    talking = fact(10, "talking", route="new", status="in-progress")
    submit(bench, talking)
    # Five minutes are the floor of ringing; on the slow route calls ring for twenty.
    assert [each.series.value for each in stuck(bench, at_us(10 + 301))] == ["new"]
    assert [each.sids for each in stuck(bench, at_us(10 + 301))] == [("open-2",)]
    assert len(stuck(bench, at_us(10 + 1_700))) == 1
    both = stuck(bench, at_us(10 + 2_000))
    assert {each.series.value for each in both} == {"slow", "new"}
    assert both[0].detail.startswith("No final state on ")
    assert both[0].listed["status"] == "ringing"
    late = stuck(bench, at_us(10 + 4 * 3_600 + 1))
    assert {sid for each in late for sid in each.sids} == {"open-1", "open-2", "talking"}


def test_failing_endpoint_is_a_condition(bench: Bench) -> None:
    columns = {"url": "https://a.example/", "form": "", "events": "", "sealed": b"", "state": "on"}
    named = {"tenant": TENANT, "endpoint": bytes(16), "taken": 0, "created_us": 1, "updated_us": 1}
    failing = {"failing_since_us": NOW_US - 700 * SECOND_US, "reason": "it answered 500"}
    row = {**columns, **named, **failing}
    placeholders = ", ".join("?" for _ in row)
    with direct(bench.url) as db:
        db(f"INSERT INTO webhook_endpoints ({', '.join(row)}) VALUES ({placeholders})", *row.values())
    (found,) = conditions(bench)
    assert found.kind is AlertKind.DELIVERY_FAILURES
    assert found.detail.endswith(": it answered 500")


def test_duplicate_sid_is_a_condition(bench: Bench) -> None:
    first = fact(0, "CA1", from_number="+14155550100", to_number="+14155550111", status="ringing")
    submit(bench, first, fact(9, "CA1", from_number="+14155550100", status="completed"))
    submit(bench, fact(1, "CA2", from_number="+14155550100", status="busy"))
    assert conditions(bench) == []
    submit(bench, fact(20, "CA1", from_number="+14155550177", to_number="+14155550188", status="failed"))
    (found,) = conditions(bench)
    assert (found.kind, found.sids) == (AlertKind.DUPLICATE_SID, ("CA1",))
    assert found.detail.startswith("Call SID CA1 is used by more than one call: ")


def callbacks(bench: Bench, lag_s: int, ended_us: int, name: str) -> None:
    """Submit twenty calls, one a minute, each with this lag; the last one arrives at `ended_us`."""
    for number in range(20):
        received_us = ended_us - (19 - number) * 60 * SECOND_US
        completed = fact(0, f"{name}-{number}", status="completed")
        times = {"received_us": received_us, "occurred_us": received_us - lag_s * SECOND_US}
        bench.now_us = received_us
        submit(bench, msgspec.structs.replace(completed, **times))


def test_callbacks_later_than_usual_are_a_condition(bench: Bench) -> None:
    for day in range(2, 5):
        callbacks(bench, 2, NOW_US - day * DAY_US, f"day-{day}")
    callbacks(bench, 900, NOW_US, "late")
    (found,) = conditions(bench)
    assert (found.kind, found.series.value) == (AlertKind.CALLBACK_LAG, "twilio")
    assert found.detail.startswith(
        "Late callbacks at twilio: 20 of the last 20 came late, half of them by 15 min"
    )
    assert found.detail.endswith("; usually 97 of 100 come within 2 s")
    assert (found.evidence.calls, found.evidence.observed, found.evidence.expected) == (20, 900.0, 2.0)
    assert found.listed == {"provider": "twilio"}
    bench.run(bench.store.write(put_rules(TENANT, b'{"mutes": [{"kind": "callback-lag"}]}', NOW_US)))
    assert conditions(bench) == []


def test_late_callbacks_of_a_new_provider_use_the_default_limit(bench: Bench) -> None:
    callbacks(bench, 90, NOW_US, "new")
    assert conditions(bench) == []
    callbacks(bench, 700, NOW_US, "later")
    (found,) = conditions(bench)
    assert found.detail.endswith("the usual delay is not known yet")
    assert found.evidence.high == 600.0
