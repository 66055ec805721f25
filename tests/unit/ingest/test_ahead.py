"""Chunks that another process prepares come as they would here, and so does what goes wrong there."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import msgspec
import pytest

from calltally.calls.conversation import Conversation, Turn, pack_conversation
from calltally.calls.errors import InvalidInput, NotUnderstood, Unavailable
from calltally.calls.events import Fact
from calltally.ingest.ahead import Share, Stretch, Work, reading_ahead
from calltally.ingest.imports import Chunk, prepared_chunks
from calltally.providers.callback import Refusal
from calltally.store.ledger.prepared_calls import Batch
from calltally.store.rollups.import_sums import NOTHING
from calltally.store.tenants.routes import RouteTarget
from tests.telling import fact

TABLE = {"+15550100": RouteTarget("support", "vera")}
SAID = pack_conversation(Conversation([Turn("user", "Hello")], []))
TOLD: list[Fact | Refusal] = [
    fact(1, "CA1", status="busy", to_number="+15550100", talk_seconds=4.5, summary="Will call again."),
    msgspec.structs.replace(fact(2, "CA2", session_id="s1", talk_seconds=3), conversation=SAID),
    Refusal("line 3", "not JSON"),
    fact(4, "CA4", status="completed", escalated=True, raw=b'{"sid":"CA4"}'),
]
NONE = Chunk(Batch([], NOTHING, []))


def refusing(position: str, reason: str = "x") -> Chunk:
    """A chunk in which nothing could be read."""
    return Chunk(Batch([], NOTHING, []), [Refusal(position, reason)])


def taken(work: Work, processes: int = 1) -> tuple[list[list[Chunk]], list[bytes]]:
    """All chunks of so many processes as they come together, and the notes with them."""
    notes: list[bytes] = []

    async def take() -> list[list[Chunk]]:
        async with aclosing(ahead.chunks(b"acme", notes.append)) as chunks:
            return [together async for together in chunks]

    with reading_ahead(work, processes) as ahead:
        return asyncio.run(take()), notes


def test_they_are_what_is_prepared_here() -> None:
    def work(task: bytes, _share: Share) -> Iterator[Stretch]:
        yield from (Stretch(chunk, task) for chunk in prepared_chunks(TOLD, task.decode(), TABLE, 3))

    chunks, notes = taken(work)
    assert chunks == [list(prepared_chunks(TOLD, "acme", TABLE, 3))]
    assert [(len(each.batch.ready), len(each.batch.others)) for each in chunks[0]] == [(1, 1), (1, 0)]
    assert notes == [b"acme"]


def test_several_take_turns() -> None:
    def work(_task: bytes, share: Share) -> Iterator[Stretch]:
        for turn in range(3):
            place = turn * share.of + share.place
            yield Stretch(refusing(f"{place}", ""), is_last_of_turn=False)
            yield Stretch(refusing(f"{place}", "and"))

    chunks, _notes = taken(work, 3)
    assert [chunk for together in chunks for chunk in together] == [
        refusing(f"{place}", word) for place in range(9) for word in ("", "and")
    ]
    assert [len(chunk) for chunk in chunks] == [4, 4, 4, 4, 2]


def test_what_one_of_several_cannot_read_is_said() -> None:
    def work(_task: bytes, share: Share) -> Iterator[Stretch]:
        if share.place:
            raise NotUnderstood("it is no list of calls")
        yield Stretch(NONE)

    with pytest.raises(InvalidInput, match="it is no list of calls"):
        taken(work, 2)


def test_what_cannot_be_read_is_said() -> None:
    def work(task: bytes, _share: Share) -> Iterator[Stretch]:
        yield Stretch(NONE, task)
        raise NotUnderstood("it is no list of calls")

    with pytest.raises(InvalidInput, match="it is no list of calls"):
        taken(work)


def test_what_was_read_before_is_handed_over_first() -> None:
    def work(_task: bytes, _share: Share) -> Iterator[Stretch]:
        yield Stretch(refusing("line 1"))
        raise NotUnderstood("it is no list of calls")

    async def take(chunks: AsyncGenerator[list[Chunk], None]) -> list[Chunk]:
        async with aclosing(chunks):
            first = await anext(chunks)
            with pytest.raises(InvalidInput, match="it is no list of calls"):
                await anext(chunks)
            return first

    with reading_ahead(work) as ahead:
        assert asyncio.run(take(ahead.chunks(b"", lambda _note: None))) == [refusing("line 1")]


def test_a_process_that_dies_is_no_end_of_its_files() -> None:
    def work(task: bytes, _share: Share) -> Iterator[Stretch]:
        yield Stretch(NONE, task)
        os._exit(3)

    with pytest.raises(Unavailable, match="died; run the import again"):
        taken(work)


def test_it_ends_with_whoever_wanted_its_chunks() -> None:
    def work(task: bytes, _share: Share) -> Iterator[Stretch]:
        while True:
            yield Stretch(refusing("line 1", "x" * 1_000), task)

    async def take_one() -> list[Chunk]:
        async with aclosing(ahead.chunks(b"", lambda _note: None)) as chunks:
            return await anext(chunks)

    with reading_ahead(work, 2) as ahead:
        assert asyncio.run(take_one()) == [refusing("line 1", "x" * 1_000)] * 4


def test_it_leaves_the_processors_to_whoever_writes() -> None:
    def work(_task: bytes, _share: Share) -> Iterator[Stretch]:
        yield Stretch(NONE, str(os.nice(0)).encode())

    _chunks, (note,) = taken(work)
    assert int(note) == min(os.nice(0) + 10, 19)
