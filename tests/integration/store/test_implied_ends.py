"""A migration corrects calls of a table without ends, as the code before 0013 dated them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from calltally.calls import evidence, platform_times
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.model import FINAL
from calltally.calls.times import SECOND_US, parse_instant, utc_text
from calltally.store.backends.open import migrate
from calltally.store.maintenance.refold_all import refold_calls, refold_position
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import downgrade, listed, submit, verdict
from tests.sample_facts import START_US, fact, own

NOVEMBER_US = parse_instant("2026-11-01T00:00:10Z")


def row(call_sid: str, *, is_carrier: bool = False) -> Fact:
    """Return a row of a table with a start and a talk time, as a mapping reads it."""
    at = (NOVEMBER_US - START_US) / SECOND_US
    return fact(
        at, call_sid, channel=Channel.IMPORT, provider="old-pbx", is_carrier=is_carrier, status="completed",
        started_us=NOVEMBER_US, talk_seconds=60,
    )  # fmt: skip


@contextmanager
def fold_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Apply the rules of schema 0012: a final fact ends the call at its own time."""

    def end_at_report(_stated: StatedFields, occurred_us: int) -> int:
        return occurred_us

    def start_before_the_end(stated: StatedFields, ended_us: int | None) -> int | None:
        talk_us = int(stated.get("talk_seconds", 0) * SECOND_US)
        return None if ended_us is None or talk_us <= 0 else ended_us - talk_us

    def earliest(reported: evidence.CallEvidence, stated: StatedFields, occurred_us: int) -> None:
        dated(reported, stated, occurred_us)
        ended_us = stated.get("ended_us", occurred_us if stated.get("status") in FINAL else None)
        started_us = start_before_the_end(stated, ended_us)
        reported.created_us = (
            reported.created_us if started_us is None else min(reported.created_us, started_us)
        )

    dated = evidence.CallEvidence._date
    with monkeypatch.context() as before:
        before.setattr(evidence, "implied_end_us", end_at_report)
        before.setattr(platform_times, "implied_end_us", end_at_report)
        before.setattr(evidence.CallEvidence, "_date", earliest)
        yield


def test_records_of_the_previous_release_are_corrected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with fold_before(monkeypatch):
        submit(bench, row("pbx-1"), row("CA7", is_carrier=True))
        assert {call["created_at"] for call in listed(bench)} == {"2026-10-31T23:59:10.000000Z"}
    downgrade(bench.url, "0012")
    migrate(bench.url)
    assert bench.run(bench.store.read(refold_position(TENANT))) is not None
    while bench.run(bench.store.write(refold_calls(TENANT, 1, NOW_US))):
        pass
    mended = listed(bench)
    assert [(call["created_at"], call["answered_at"], call["ended_at"]) for call in mended] == [
        *[("2026-11-01T00:00:10.000000Z", "2026-11-01T00:00:10.000000Z", "2026-11-01T00:01:10.000000Z")] * 2
    ]
    assert verdict(bench).findings == []


def test_late_start_moves_created_at(bench: Bench) -> None:
    """Before the late start, the earliest evidence was the end minus the talk time, an hour earlier."""
    submit(bench, own(7_200, "own-1", status="completed", talk_seconds=7_100))
    before = listed(bench)[0]["created_at"]
    submit(bench, own(7_201, "own-1", started_us=START_US + 3_700 * SECOND_US))
    [moved] = listed(bench)
    assert moved["created_at"] == utc_text(START_US + 3_700 * SECOND_US) > before
    assert verdict(bench).findings == []
