"""Pain that users of other call logs reported, each as a test of ours, by its number in the list of pains.

Here stand those that the ledger, the callbacks and the list answer for: 1, 2, 4 to 9, 11, 12, 15 and 16, of
10 the window, and what stock clients need. CSV with its time zones and formulas (3, 10, 14) is in
`test_peers_streams`. Left to the parts that build it: asking the provider for a final state that never came
(5, the second half), and deliveries (13).
"""

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import apsw
import psycopg
import pytest

from calltally.calls.events import Channel, Fact, content_digest
from calltally.calls.filters import CallFilter
from calltally.calls.identity import call_uuid, uuid_text
from calltally.calls.list_query import ListQuery
from calltally.calls.times import DAY_US, SECOND_US, parse_instant, utc_text
from calltally.store.backends.open import sqlite_path
from calltally.store.db.interface import Submission
from calltally.store.db.operation import AnyStatement, Batch, Rows, StatementMany, StoreOperation
from calltally.store.listing.list_calls import ListedPage, list_calls
from calltally.store.maintenance.erasure import erase_call
from tests.acceptance.live import Live
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.integration.ingest.service import ACCOUNT, Answer, Service
from tests.integration.web.service import invalid_parameters
from tests.unit.providers.twilio.signing import Pairs

LIST = "/api/v1/call-logs"
START_US: Final = NOW_US - 40 * DAY_US
# What may be read beside the page: buckets of each level, and what is not worth opening a bucket for.
MOST_BUCKETS: Final = 32 + 24 + 60 + 2
MOST_SKIPPED: Final = 256

Json = dict[str, Any]
T = TypeVar("T")


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def sid_of(number: int) -> str:
    return f"CA{number:032x}"


def listed(service: Service, query: str = "limit=1000") -> Json:
    answer = service.request("GET", f"{LIST}?{query}", headers=service.bearer("calls:read"))
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


def report(service: Service, *events: Mapping[str, Any]) -> Answer:
    return service.request(
        "POST", "/api/v1/events", json.dumps(events).encode(), service.bearer("events:write")
    )


def outcomes(answer: Answer) -> list[str]:
    return [each["outcome"] for each in answer.json()["outcomes"]]


def event(number: int, **fields: object) -> Json:
    """One own event; each has an id of its own and is of a call of its own unless `fields` say otherwise."""
    about = {"id": f"e{number}", "call_sid": f"call-{number}", "occurred_at": utc_text(START_US)}
    return {**about, **fields}


# -------------------------------------------------------------------------------------------------- pain 1

# As measured by others: five rows are deleted for each page that a stock client reads. Here as many come.
ROWS, PAGE, MOVES = 400, 40, 5


def put_rows(bench: Bench) -> list[str]:
    """Calls a minute apart; returns their SIDs, the oldest first."""
    reported = [_fact(number, START_US + number * 60 * SECOND_US) for number in range(ROWS)]
    bench.run(bench.store.submit([Submission(TENANT, each, announce=False) for each in reported]))
    return [fact.call_sid for fact in reported]


def move_rows(bench: Bench, round_number: int, read: Sequence[str], *, is_growing: bool) -> None:
    """Between two pages: rows that were read are erased, or others come that stand before them."""
    for position in range(MOVES):
        number = 10_000 + round_number * MOVES + position
        if is_growing:
            early_and_late = [START_US - number * SECOND_US, START_US + (ROWS + number) * 60 * SECOND_US]
            reported = [_fact(number + 5_000 * side, at_us) for side, at_us in enumerate(early_and_late)]
            bench.run(bench.store.submit([Submission(TENANT, each) for each in reported]))
        else:
            bench.run(bench.store.write(erase_call(TENANT, read[position], NOW_US)))


def exported(service: Service, query: str, *, is_growing: bool) -> list[str]:
    """The ids that a stock client has, which adds to its offset what it got until it gets nothing."""
    rows: list[Json] = []
    page = listed(service, f"{query}&limit={PAGE}&offset=0")
    while page["data"]:
        rows += page["data"]
        read = [call["call_sid"] for call in page["data"] if call["call_sid"] is not None]
        # Not behind the last page: of rows that come for ever nobody ever has all.
        if len(page["data"]) == PAGE:
            move_rows(service.bench, len(rows), read, is_growing=is_growing)
        page = listed(service, f"{query}&limit={PAGE}&offset={len(rows)}")
    return [call["id"] for call in rows]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("is_growing", [False, True])
def test_pain_1_a_client_that_pages_by_offset_gets_every_row_once_with_a_hold(
    service: Service, bench: Bench, order: str, *, is_growing: bool
) -> None:
    there = [uuid_text(call_uuid(TENANT, sid)) for sid in put_rows(bench)]
    held = exported(service, f"order={order}&hold=export-1", is_growing=is_growing)
    assert held == (there if order == "asc" else there[::-1])


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("is_growing", [False, True])
def test_pain_1_without_one_the_same_client_loses_or_repeats_some(
    service: Service, bench: Bench, order: str, *, is_growing: bool
) -> None:
    """So that the test above can fail."""
    there = {uuid_text(call_uuid(TENANT, sid)) for sid in put_rows(bench)}
    drifting = Counter(exported(service, f"order={order}", is_growing=is_growing))
    lost, repeated = there - drifting.keys(), sum(drifting.values()) - len(drifting)
    assert (len(lost) >= MOVES, repeated >= MOVES) == (not is_growing, is_growing)


# -------------------------------------------------------------------------------------------------- pain 2


def put_calls(bench: Bench) -> int:
    """Calls over five weeks, half of them in one busy hour; returns how many."""
    quiet = [START_US + number * 2_100 * SECOND_US for number in range(1_500)]
    busy = [START_US + 20 * DAY_US + number * 2 * SECOND_US for number in range(1_500)]
    facts = [_fact(number, instant_us) for number, instant_us in enumerate([*quiet, *busy])]
    for start in range(0, len(facts), 500):
        batch = [Submission(TENANT, fact, announce=False) for fact in facts[start : start + 500]]
        bench.run(bench.store.submit(batch))
    return len(facts)


def _fact(number: int, occurred_us: int) -> Fact:
    statuses = ("completed", "completed", "failed", "no-answer")
    stated: Any = {"status": statuses[number % 4], "direction": "inbound", "route": f"route-{number % 3}"}
    digest = content_digest(str(number).encode())
    return Fact(sid_of(number), Channel.OWN_EVENT, "", "", "", None, occurred_us, NOW_US, digest, stated)


class Reading:
    """Counts the rows that a step reads: those that come back, and those that are stepped over."""

    def __init__(self) -> None:
        self.rows = 0

    def watch(self, step: StoreOperation[T]) -> StoreOperation[T]:
        try:
            request = next(step)
            while True:
                answer: Any = yield request
                for each, rows in zip(*_statements_of(request, answer), strict=True):
                    requested = each.rows if isinstance(each, StatementMany) else [each.params]
                    self.rows += len(rows) + sum(params.get("skip", 0) for params in requested)
                request = step.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result


def _statements_of(
    request: AnyStatement | Batch,
    answer: Any,  # noqa: ANN401 (rows, or a list of them)
) -> tuple[Sequence[AnyStatement], Sequence[Rows]]:
    """Return the statements of a request or a batch, and the rows of each."""
    return (request.statements, answer) if isinstance(request, Batch) else ((request,), (answer,))


def read_page(bench: Bench, query: ListQuery) -> tuple[ListedPage, int]:
    reading = Reading()
    page = bench.run(bench.store.read(reading.watch(list_calls(TENANT, query))))
    return page, reading.rows


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_pain_2_a_deep_offset_reads_no_more_than_the_first_page(bench: Bench, order: str) -> None:
    calls = put_calls(bench)
    for offset in (0, 1, 740, 1_000, 1_499, 2_000, 2_700, calls - 1, calls):
        page, rows = read_page(bench, ListQuery(offset=offset, order=order))
        assert page.total == calls
        assert len(records_of(page)) == min(25, calls - offset)
        assert rows <= 25 + MOST_BUCKETS + MOST_SKIPPED


def test_pain_2_so_it_is_under_filters_and_in_windows(bench: Bench) -> None:
    put_calls(bench)
    day_us = START_US + 20 * DAY_US
    for calls in (
        CallFilter(statuses=("failed",)),
        CallFilter(direction="inbound", statuses=("completed", "no-answer")),
        CallFilter(from_us=day_us + 123_456_789, to_us=day_us + 3_000 * SECOND_US),
    ):
        first, _ = read_page(bench, ListQuery(calls))
        last, rows = read_page(bench, ListQuery(calls, offset=first.total - 10))
        assert (last.total, len(records_of(last))) == (first.total, 10)
        assert rows <= 25 + MOST_BUCKETS + MOST_SKIPPED


# -------------------------------------------------------------------------------------------------- pain 4

PROGRESS = (
    ("initiated", "Wed, 18 Nov 2026 10:00:00 +0000"),
    ("ringing", "Wed, 18 Nov 2026 10:00:02 +0000"),
    ("in-progress", "Wed, 18 Nov 2026 10:00:20 +0000"),
    ("completed", "Wed, 18 Nov 2026 10:01:00 +0000"),
)


def progress(sid: str) -> list[Pairs]:
    """The four status callbacks of an answered call, in the order in which it happened."""
    about = [
        ("CallSid", sid),
        ("AccountSid", ACCOUNT),
        ("Direction", "outbound-api"),
        ("From", "+14155550100"),
    ]
    return [
        [
            *about,
            ("CallStatus", status),
            ("SequenceNumber", str(sequence)),
            ("Timestamp", at),
            *([("CallDuration", "40")] if status == "completed" else []),
        ]
        for sequence, (status, at) in enumerate(PROGRESS)
    ]


def test_pain_4_callbacks_in_any_order_make_the_same_call(service: Service) -> None:
    for number, order in enumerate(itertools.permutations(range(len(PROGRESS)))):
        callbacks = progress(sid_of(number))
        for position in order:
            assert service.call_back(callbacks[position]).status_code == 200
    calls = listed(service)["data"]
    reported = [{**call, "id": None, "call_sid": None, "revision": None} for call in calls]
    assert len(reported) == 24
    assert all(call == reported[0] for call in reported)
    assert (reported[0]["status"], reported[0]["duration_seconds"], reported[0]["ring_seconds"]) == (
        "completed",
        40,
        18,
    )
    assert reported[0]["conflicts"] == 0


# -------------------------------------------------------------------------------------------------- pain 5


def test_pain_5_no_call_is_closed_because_time_passed(service: Service, bench: Bench) -> None:
    *_, in_progress, completed = progress(sid_of(1))
    service.call_back(in_progress)
    (before,) = listed(service)["data"]
    bench.now_us += 90 * DAY_US
    (after,) = listed(service)["data"]
    assert after == before
    assert (after["status"], after["duration_seconds"], after["ended_at"]) == ("in-progress", None, None)
    service.call_back(completed)
    assert [call["status"] for call in listed(service)["data"]] == ["completed"]


def test_pain_5_what_is_still_open_can_be_listed(service: Service) -> None:
    for number, status in enumerate(("queued", "initiated", "ringing", "in-progress", "completed", "failed")):
        report(service, event(number, status=status))
    still_open = listed(service, "status=queued,initiated,ringing,in-progress")
    assert {call["call_sid"] for call in still_open["data"]} == {f"call-{number}" for number in range(4)}


# -------------------------------------------------------------------------------------------------- pain 6


def outbox(bench: Bench) -> list[str]:
    """The events that would be delivered, in the order of their revisions."""
    statement = "SELECT event FROM outbox ORDER BY revision, event"
    if (path := sqlite_path(bench.url)) is not None:
        connection = apsw.Connection(str(path))
        events = [name for (name,) in connection.execute(statement)]
        connection.close()
        return events
    with psycopg.connect(bench.url) as shared:
        return [name for (name,) in shared.execute(statement)]


def test_pain_6_a_repeated_webhook_has_its_effect_once(service: Service, bench: Bench) -> None:
    for callback in progress(sid_of(1)):
        answers = [service.call_back(callback) for _ in range(3)]
        assert [outcomes(answer)[0] for answer in answers][1:] == ["duplicate", "duplicate"]
    assert outbox(bench) == ["voice.call.started", "voice.call.completed"]
    (call,) = listed(service)["data"]
    assert call["revision"] == len(PROGRESS)


def test_pain_6_a_retry_with_a_fresh_id_bills_once(service: Service, bench: Bench) -> None:
    bill = {"status": "completed", "duration_seconds": 142, "cost": {"amount": "0.0140", "currency": "USD"}}
    first, *again = [report(service, event(number, call_sid="one", **bill)) for number in range(4)]
    assert outcomes(first) == ["applied"]
    assert [outcomes(answer) for answer in again] == [["ignored"]] * 3
    (call,) = listed(service)["data"]
    assert call["cost"] == {"amount": "0.0140", "currency": "USD"}
    assert Counter(outbox(bench)) == {"voice.call.started": 1, "voice.call.completed": 1}


def test_pain_6_later_states_of_a_known_call_are_not_taken_for_repeats(service: Service) -> None:
    observed = []
    for callback in progress(sid_of(1)):
        assert outcomes(service.call_back(callback)) == ["applied"]
        observed += [call["status"] for call in listed(service)["data"]]
    assert observed == [status for status, _ in PROGRESS]


# -------------------------------------------------------------------------------------------------- pain 7


def test_pain_7_two_calls_with_interleaved_events_never_mix(service: Service) -> None:
    interleaved = itertools.chain.from_iterable(zip(progress(sid_of(1)), progress(sid_of(2)), strict=True))
    for number, callback in enumerate(interleaved):
        service.call_back([*callback, ("To", ("+14155550111", "+14155550122")[number % 2])])
    numbers = {call["call_sid"]: call["to_number"] for call in listed(service)["data"]}
    assert numbers == {sid_of(1): "+14155550111", sid_of(2): "+14155550122"}


def test_pain_7_one_id_for_two_calls_is_kept_whole_and_counted(service: Service) -> None:
    report(service, event(1, call_sid="reused", from_number="+14155550111"))
    report(service, event(2, call_sid="reused", from_number="+14155550122"))
    (call,) = listed(service)["data"]
    assert call["conflicts"] == 1
    reported = service.request("GET", f"{LIST}/reused/events", headers=service.bearer("calls:read")).json()[
        "data"
    ]
    assert {each["said"]["from_number"] for each in reported} == {"+14155550111", "+14155550122"}


# -------------------------------------------------------------------------------------------------- pain 8

FILTERS = [
    "status=completed",
    "status=failed,no-answer",
    "direction=inbound",
    "direction=outbound&status=completed",
    "route=sales",
    "agent=vera&status=failed",
    "provider=switch",
    "route=sales&agent=vera",
    "escalated=true",
    "number=100",
    "from=2026-10-10&to=2026-10-11",
    "from=2026-10-10T00:00:01.5Z&to=2026-10-10T00:01:30Z&status=completed",
]


def varied_events() -> list[Json]:
    return [
        event(
            number,
            occurred_at=utc_text(parse_instant("2026-10-10T00:00:00Z") + number * 7 * SECOND_US),
            status=("completed", "failed", "no-answer", "queued", "busy")[number % 5],
            direction=("inbound", "outbound")[number % 2],
            route=("sales", "support")[number % 3 // 2],
            agent=("vera", "otto")[number % 4 // 2],
            provider=("switch", "trunk")[number % 7 // 4],
            escalated=number % 6 == 0,
            from_number=str(100 + number % 3),
        )
        for number in range(60)
    ]


@pytest.mark.parametrize("query", FILTERS)
def test_pain_8_a_total_is_the_rows_and_the_same_in_each_run(service: Service, query: str) -> None:
    report(service, *varied_events())
    page = listed(service, f"{query}&limit=1000")
    assert page["total"] == len(page["data"]) > 0
    assert listed(service, f"{query}&limit=1")["total"] == page["total"]
    assert listed(service, f"{query}&limit=1000") == page


def test_pain_8_another_tenants_calls_are_in_no_total(service: Service, bench: Bench) -> None:
    other = bench.new_tenant()
    facts = [_fact(number, START_US + number * SECOND_US) for number in range(20)]
    bench.run(bench.store.submit([Submission(other, fact) for fact in facts]))
    assert listed(service)["total"] == 0
    report(service, *varied_events())
    assert listed(service)["total"] == 60
    assert listed(service, "route=route-0")["total"] == 0


# -------------------------------------------------------------------------------------------------- pain 9


def test_pain_9_ringing_is_no_talk(service: Service) -> None:
    at = "2026-11-18T10:00:{:02}Z".format
    times = [("ringing", at(0)), ("in-progress", at(20)), ("completed", at(59))]
    report(service, *(event(n, call_sid="a", status=s, occurred_at=t) for n, (s, t) in enumerate(times)))
    unanswered = [("ringing", at(0)), ("no-answer", at(45))]
    report(
        service, *(event(9 + n, call_sid="b", status=s, occurred_at=t) for n, (s, t) in enumerate(unanswered))
    )
    reported = {c["call_sid"]: (c["ring_seconds"], c["duration_seconds"]) for c in listed(service)["data"]}
    assert reported == {"a": (20, 39), "b": (45, 0)}


# ------------------------------------------------------------------------------------------------- pain 10


def test_pain_10_a_window_is_of_instants_at_clock_changes(service: Service) -> None:
    """The night in which Berlin has the hour from two to three twice."""
    first, second = "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"
    report(service, event(1, occurred_at=first), event(2, occurred_at=second))
    begin = "from=2026-10-25T02:00:00%2B02:00"
    assert sids(listed(service, f"{begin}&to=2026-10-25T02:00:00%2B01:00")) == ["call-1"]
    assert sids(listed(service, f"{begin}&to=2026-10-25T03:00:00%2B01:00")) == ["call-2", "call-1"]
    assert sids(listed(service, "from=2026-10-25T01:00:00Z")) == ["call-2"]
    assert {call["created_at"][-1] for call in listed(service)["data"]} == {"Z"}


def sids(page: Json) -> list[str]:
    return [call["call_sid"] for call in page["data"]]


# ------------------------------------------------------------------------------------------------- pain 11


def test_pain_11_a_partial_page_has_the_total(service: Service, bench: Bench) -> None:
    calls = put_calls(bench)
    answer = service.request("GET", f"{LIST}?limit=1000", headers=service.bearer("calls:read"))
    page = answer.json()
    assert (len(page["data"]), page["total"]) == (1_000, calls)
    assert answer.links["next"]["url"].endswith("limit=1000&offset=1000")
    too_many = service.request("GET", f"{LIST}?limit=1001", headers=service.bearer("calls:read"))
    assert invalid_parameters(too_many) == ["limit"]


def test_pain_11_what_is_too_long_is_refused_and_never_shortened(service: Service) -> None:
    longest = "x" * 32_768
    assert outcomes(report(service, event(1, summary=longest), event(2, summary=longest + "x"))) == [
        "applied",
        "refused",
    ]
    (call,) = listed(service)["data"]
    assert call["summary"] == longest
    assert report(service, *(event(number) for number in range(1_001))).status_code == 413
    assert listed(service)["total"] == 1


# ------------------------------------------------------------------------------------------------- pain 12


def test_pain_12_no_number_no_summary_and_no_key_is_in_the_log(live: Live) -> None:
    tenant = live.new_tenant()
    key = live.new_key(tenant, "calls:read", "events:write")
    reported = event(
        1, from_number="+14155550177", to_number="+1 415 555 0178", summary="Ada asked for a refund."
    )
    live.send_events(key, [reported])
    requested = {"authorization": f"Bearer {key}"}
    for query in ("number=%2B14155550177", "number=%2B14155550177&limit=0", "nope=%2B14155550178"):
        live.request("GET", f"{LIST}?{query}", headers=requested)
    live.request("POST", f"/api/v1/ingest/twilio/{tenant}", b"From=%2B14155550177&CallSid=CA1", requested)
    log = live.log.read_text()
    assert not [secret for secret in ("5550177", "555 0178", "refund", key) if secret in log]


# ------------------------------------------------------------------------------------------------- pain 15


def test_pain_15_a_checkpoint_never_goes_backwards(service: Service) -> None:
    """Resuming from the last `created_at` repeats what has that instant, and loses nothing behind it."""
    report(service, *varied_events())
    whole = listed(service, "order=asc&limit=1000")["data"]
    collected: dict[str, None] = {}
    checkpoint, steps = whole[0]["created_at"], [whole[0]["created_at"]]
    while len(page := listed(service, f"order=asc&limit=10&from={checkpoint}")["data"]) > 1:
        collected |= dict.fromkeys(call["id"] for call in page)
        checkpoint = page[-1]["created_at"]
        steps.append(checkpoint)
    assert list(collected) == [call["id"] for call in whole]
    assert steps == sorted(set(steps))


def test_pain_15_a_late_fact_moves_a_call_earlier_and_never_later(service: Service) -> None:
    instants = [utc_text(START_US + hours * 3_600 * SECOND_US) for hours in (5, 9, 2, 7, 1)]
    observed, revisions = [], []
    for number, instant in enumerate(instants):
        report(service, event(number, call_sid="one", occurred_at=instant, summary=f"{number}"))
        (call,) = listed(service)["data"]
        observed.append(call["created_at"])
        revisions.append(call["revision"])
    assert observed == [min(instants[: number + 1]) for number in range(len(instants))]
    assert revisions == sorted(revisions)


# ------------------------------------------------------------------------------------------------- pain 16


@pytest.mark.parametrize("word", ["user_busy", "user-busy", "Completed", "answered ", "hangup", "noanswer"])
def test_pain_16_a_word_that_is_not_known_is_never_guessed(service: Service, word: str) -> None:
    callback = [("CallSid", sid_of(1)), ("CallStatus", word)]
    assert service.call_back(callback).status_code == 202
    assert outcomes(report(service, event(1, status=word))) == ["refused"]
    assert listed(service)["total"] == 0


@pytest.mark.parametrize("status", ["busy", "failed", "no-answer", "canceled"])
def test_pain_16_an_unanswered_state_is_not_overwritten_by_completed(service: Service, status: str) -> None:
    """Some providers end every call with `completed`, the unanswered ones too."""
    for order in ((status, "completed"), ("completed", status)):
        reported = [
            event(n, call_sid="-".join(order), id=f"{order}{n}", status=s) for n, s in enumerate(order)
        ]
        report(service, *reported)
    assert {call["status"] for call in listed(service)["data"]} == {status}


# ------------------------------------------------------------------------------------------- stock clients


def test_stock_clients_find_total_limit_and_offset_and_an_empty_page_at_the_end(service: Service) -> None:
    report(service, *varied_events())
    assert pages(service, limit=25) == [25, 25, 10, 0]
    assert pages(service, limit=20) == [20, 20, 20, 0]
    end = listed(service, "limit=20&offset=60")
    assert (end["data"], end["limit"], end["offset"], end["total"]) == ([], 20, 60, 60)


def pages(service: Service, *, limit: int) -> Sequence[int]:
    """How many rows each page had for a client that asks until one is empty."""
    sizes = [limit]
    while sizes[-1]:
        page = listed(service, f"limit={limit}&offset={(len(sizes) - 1) * limit}")
        sizes.append(len(page["data"]))
    return sizes[1:]
