"""What is brought into the ledger, in which portions, and what is left; and sides that are damaged."""

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Fact
from calltally.reconcile.findings import Finding, Kind
from calltally.reconcile.heal import CHUNK, Healed, Healer
from calltally.reconcile.open_calls import read_open
from calltally.reconcile.provider_sides import OurCall, Pair, our_calls, their_call
from calltally.reconcile.recheck import Confirmed
from tests.telling import fact


class Brought(NamedTuple):
    recorded: int
    known: int = 1
    unchanged: int = 2
    refused: int = 3


def confirmed(kind: Kind, told: Fact, *, keep: bool = True) -> Confirmed:
    return Confirmed(Finding(kind, "why"), Pair(told.call_sid, None, their_call(told, keep=keep)))


def test_facts_go_in_by_portions_as_they_were_told() -> None:
    portions: list[list[Fact]] = []

    async def bring(facts: Sequence[Fact]) -> Brought:
        portions.append(list(facts))
        return Brought(len(facts))

    told = [fact(at, f"CA{at}", status="busy", raw=b'{"a": 1}') for at in range(CHUNK + 1)]

    async def heal() -> Healed:
        healer = Healer(bring)
        for each in told:
            await healer.take(confirmed(Kind.UNHEARD_CALL, each))
        await healer.take(confirmed(Kind.OPEN_TOO_LONG, told[0]))
        await healer.take(confirmed(Kind.CONTRADICTION, told[0], keep=False))
        await healer.finish()
        await healer.finish()
        return healer.healed

    assert asyncio.run(heal()) == Healed(CHUNK + 1, 2, 4, 6, left=2)
    assert [len(portion) for portion in portions] == [CHUNK, 1]
    assert [each for portion in portions for each in portion] == told


def test_an_erased_call_is_nobodys() -> None:
    call = {"id": "an-id", "call_sid": "CA1", "status": "busy", "created_at": "2026-10-01T00:00:00.000000Z"}
    erased = {"id": "another", "created_at": "2026-10-01T00:00:00.000000Z", "erased": True}
    (found,) = our_calls(f"{json.dumps(erased)}\n{json.dumps(call)}".encode())
    assert found == OurCall("CA1", "an-id", "busy", None, 1_790_812_800_000_000)


def test_a_damaged_record_is_said_to_be_one() -> None:
    with pytest.raises(DamagedStore, match="calltally verify"):
        list(our_calls(b'{"id": 7}'))
    with pytest.raises(DamagedStore, match="calltally verify"):
        read_open(b"{")
