"""Pain that users of other call logs reported, as `test_peers` has it: what the streams answer for.

Here stand 3, the half of 10 that is about CSV, the half of 11 that is about exports, and 14.
"""

import asyncio
import csv
import json
import tracemalloc
from datetime import datetime
from io import StringIO
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Channel, Fact, content_digest
from calltally.calls.export_formats import FORMATS
from calltally.calls.list_query import ListQuery
from calltally.calls.times import DAY_US, SECOND_US, parse_instant, utc_text
from calltally.exports import window
from calltally.exports.window import CallWindow, first_chunk_query
from calltally.formats.writers import new_writer
from calltally.store.db.interface import Submission
from calltally.store.listing.list_calls import ListedPage, list_calls
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import Answer, Service
from tests.unit.formats.records import joined, plain
from tests.unit.formats.test_csv_lines import GUARDED

LIST = "/api/v1/call-logs"
BERLIN = ZoneInfo("Europe/Berlin")
START_US = NOW_US - 40 * DAY_US
CALLS = 1_800
MIB = 1024 * 1024

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that not very many calls are many chunks."""
    monkeypatch.setattr(window, "FIRST_ROWS", 100)
    monkeypatch.setattr(window, "MOST_ROWS", 250)


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def fetch(service: Service, query: str, **headers: str) -> Answer:
    answer = service.request("GET", f"{LIST}?{query}", headers={**service.bearer("calls:read"), **headers})
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(answer.text, newline="")))


def report(service: Service, *events: Json) -> None:
    body = json.dumps(events).encode()
    answer = service.request("POST", "/api/v1/events", body, service.bearer("events:write"))
    assert {each["outcome"] for each in answer.json()["outcomes"]} == {"applied"}


def event(number: int, **fields: object) -> Json:
    about = {"id": f"e{number}", "call_sid": f"call-{number}", "occurred_at": utc_text(START_US)}
    return {**about, **fields}


def put_calls(bench: Bench) -> None:
    """Many calls, some of them in the same instant."""
    facts = []
    for number in range(CALLS):
        at_us = START_US + number // 3 * 61 * SECOND_US
        stated: Any = {"status": "completed", "route": f"route-{number % 3}", "escalated": number % 2 == 0}
        digest = content_digest([number])
        facts.append(
            Fact(f"call-{number}", Channel.OWN_EVENT, "", "", "", None, at_us, NOW_US, digest, stated, b"{}")
        )
    for start in range(0, CALLS, 500):
        batch = [Submission(TENANT, fact, announce=False) for fact in facts[start : start + 500]]
        bench.run(bench.store.submit(batch))


# -------------------------------------------------------------------------------------------------- pain 3


def test_pain_3_a_csv_export_has_every_call_once_and_their_number(service: Service, bench: Bench) -> None:
    put_calls(bench)
    for query, calls in (("", CALLS), ("route=route-1", CALLS // 3), ("escalated=true", CALLS // 2)):
        answer = fetch(service, f"{query}&format=csv")
        ids = [row["id"] for row in rows_of(answer)]
        assert answer.headers["x-row-count"] == str(len(ids)) == str(calls)
        assert len(set(ids)) == calls


class Endless:
    """A store whose window has as many calls as one likes, each chunk the same."""

    dialect = "sqlite"
    queued_writes = 0
    stalled_s = 0.0

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk

    async def read(self, step: Any, *, long: bool = False) -> Any:  # noqa: ANN401 (whatever a step gives)
        del long
        step.close()
        # A copy, as a database would make it.
        return bytes(bytearray(self._chunk))

    async def read_tenant(self, _tenant: str, make: Any, **how: Any) -> Any:  # noqa: ANN401 (whatever a step gives)
        return await self.read(make(), **how)


@pytest.mark.parametrize("name", FORMATS)
def test_pain_3_an_export_takes_no_more_memory_for_being_longer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 500
    monkeypatch.setattr(window, "FIRST_ROWS", rows)
    monkeypatch.setattr(window, "MOST_ROWS", rows)
    chunk = joined([plain(summary="Customer confirmed appointment time.")] * rows)

    async def peak_bytes(chunks: int) -> int:
        """The most that Python held at once. What Arrow holds has a test beside its writers."""
        query = first_chunk_query(ListQuery(), None)
        first = ListedPage(chunk, rows * chunks, 0, "s")
        store: Any = Endless(chunk)
        writer = new_writer(FORMATS[name])
        tracemalloc.start()
        written = len(writer.begin())
        async for records in CallWindow(store, TENANT, query, first).chunks():
            written += len(writer.add(records))
        written += len(writer.end())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert written > MIB // 200
        return peak

    asyncio.run(peak_bytes(2))
    # Both are longer than what is under way at once.
    short, long = asyncio.run(peak_bytes(10)), asyncio.run(peak_bytes(100))
    assert long < short + MIB
    assert long < 16 * MIB


def test_pain_3_an_export_that_is_short_is_never_taken_for_whole(bench: Bench) -> None:
    """Calls that are gone behind the counters' back: the export breaks off instead of ending."""
    put_calls(bench)

    async def export() -> int:
        query = first_chunk_query(ListQuery(), None)
        first = await bench.store.read(list_calls(TENANT, query))
        more = first._replace(total=first.total + 1)
        return len([chunk async for chunk in CallWindow(bench.store, TENANT, query, more).chunks()])

    with pytest.raises(DamagedStore, match="fewer calls than it counted"):
        bench.run(export())


# ------------------------------------------------------------------------------------------------- pain 10


def test_pain_10_screen_and_csv_agree_on_every_time(service: Service) -> None:
    """The two nights on which Berlin's clocks change, by half hours."""
    nights = [parse_instant(text) for text in ("2026-03-29T00:00:00Z", "2025-10-26T00:00:00Z")]
    times = [night + half * 1_800 * SECOND_US + 1 for night in nights for half in range(6)]
    report(service, *(event(n, occurred_at=utc_text(at_us)) for n, at_us in enumerate(times)))
    screen = {call["id"]: call["created_at"] for call in fetch(service, "limit=1000").json()["data"]}
    for zone, suffix in (("", "Z"), ("&tz=Europe/Berlin", ""), ("&tz=America/Sao_Paulo", "-03:00")):
        displayed = {row["id"]: row["created_at"] for row in rows_of(fetch(service, f"format=csv{zone}"))}
        assert {name: datetime.fromisoformat(text) for name, text in displayed.items()} == {
            name: datetime.fromisoformat(text) for name, text in screen.items()
        }
        assert all(text.endswith(suffix) for text in displayed.values())


def test_pain_10_the_repeated_hour_is_distinguished_by_its_offset(service: Service) -> None:
    first, second = "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"
    report(service, event(1, occurred_at=first), event(2, occurred_at=second))
    begin, end = quote("2026-10-25T02:00:00+02:00"), quote("2026-10-25T03:00:00+01:00")
    rows = rows_of(fetch(service, f"from={begin}&to={end}&order=asc&format=csv&tz=Europe/Berlin"))
    assert [(row["call_sid"], row["created_at"]) for row in rows] == [
        ("call-1", "2026-10-25T02:30:00.000000+02:00"),
        ("call-2", "2026-10-25T02:30:00.000000+01:00"),
    ]
    half = quote("2026-10-25T02:00:00+01:00")
    (row,) = rows_of(fetch(service, f"from={begin}&to={half}&format=csv&tz=Europe/Berlin"))
    assert datetime.fromisoformat(row["created_at"]).astimezone(BERLIN).fold == 0


# ------------------------------------------------------------------------------------------------- pain 11


@pytest.mark.parametrize("name", ["csv", "ndjson"])
def test_pain_11_an_export_knows_no_limit_of_its_own(service: Service, bench: Bench, name: str) -> None:
    put_calls(bench)
    answer = fetch(service, f"format={name}")
    heading = 1 if name == "csv" else 0
    assert len(answer.text.splitlines()) - heading == CALLS == int(answer.headers["x-row-count"])
    limited = fetch(service, f"format={name}&limit=7&offset=10")
    assert len(limited.text.splitlines()) - heading == 7 == int(limited.headers["x-row-count"])
    refused = service.request("GET", f"{LIST}?format={name}&limit=1001", headers=service.bearer("calls:read"))
    assert refused.status_code == 400


# ------------------------------------------------------------------------------------------------- pain 14


def test_pain_14_no_cell_is_a_formula_and_numbers_keep_their_plus(service: Service) -> None:
    dictated = ["=1+1", '=HYPERLINK("https://example.com","prize")', "@SUM(A1)", "-2+3", "+cmd|' /C calc'!A0"]
    report(
        service,
        *(
            event(n, summary=text, from_number="+14155550100", to_number="+442071838750", agent=text)
            for n, text in enumerate(dictated)
        ),
    )
    rows = rows_of(fetch(service, "format=csv"))
    assert {(row["from_number"], row["to_number"]) for row in rows} == {("+14155550100", "+442071838750")}
    for name in ("summary", "agent"):
        cells = {row[name] for row in rows}
        assert cells == {"'" + text for text in dictated}
        # What a program that reads the file takes away again.
        assert all(GUARDED.match(cell) for cell in cells)
    for other in ("ndjson", "json"):
        assert '"summary":"=1+1"' in fetch(service, f"format={other}").text
