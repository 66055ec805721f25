"""Healing in chunks, its counts, and damaged records."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact
from calltally.ingest.imports import ImportReport
from calltally.reconcile.findings import Finding, FindingKind
from calltally.reconcile.heal import CHUNK, HealCounts, Healer
from calltally.reconcile.provider_sides import CallPair, OurCall, our_calls, their_call
from calltally.reconcile.recheck import ConfirmedFinding
from calltally.reconcile.window_report import parse_open_calls
from tests.sample_facts import fact


def confirmed(kind: FindingKind, listed: Fact, *, with_fact: bool = True) -> ConfirmedFinding:
    return ConfirmedFinding(
        Finding(kind, "why"), CallPair(listed.call_sid, None, their_call(listed, with_fact=with_fact))
    )


def test_facts_are_submitted_in_chunks_in_their_order() -> None:
    portions: list[list[Fact]] = []

    async def submit(facts: Sequence[Fact]) -> ImportReport:
        portions.append(list(facts))
        return ImportReport(len(facts), known=1, unchanged=2, refused=3)

    facts = [fact(at, f"CA{at}", status="busy", raw=b'{"a": 1}') for at in range(CHUNK + 1)]

    async def heal() -> HealCounts:
        healer = Healer(submit)
        for each in facts:
            await healer.add(confirmed(FindingKind.UNHEARD_CALL, each))
        await healer.add(confirmed(FindingKind.OPEN_TOO_LONG, facts[0]))
        await healer.add(confirmed(FindingKind.CONTRADICTION, facts[0], with_fact=False))
        await healer.finish()
        await healer.finish()
        return healer.counts

    assert asyncio.run(heal()) == HealCounts(CHUNK + 1, 2, 4, 6, left=2)
    assert [len(portion) for portion in portions] == [CHUNK, 1]
    assert [each for portion in portions for each in portion] == facts


def test_erased_call_is_skipped() -> None:
    call = {"id": "an-id", "call_sid": "CA1", "status": "busy", "created_at": "2026-10-01T00:00:00.000000Z"}
    erased = {"id": "another", "created_at": "2026-10-01T00:00:00.000000Z", "erased": True}
    (found,) = our_calls(f"{json.dumps(erased)}\n{json.dumps(call)}".encode())
    assert found == OurCall("CA1", "an-id", "busy", None, 1_790_812_800_000_000)


def test_damaged_record_raises_damaged_store() -> None:
    with pytest.raises(DamagedStore, match="calltally verify"):
        list(our_calls(b'{"id": 7}'))
    with pytest.raises(DamagedStore, match="calltally verify"):
        parse_open_calls(b"{")
