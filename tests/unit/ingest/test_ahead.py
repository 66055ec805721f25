"""Chunks that another process reads come as they would here, and so does what goes wrong there."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import msgspec
import pytest

from calltally.calls.conversation import Conversation, Turn, pack_conversation
from calltally.calls.errors import InvalidInput, NotUnderstood, Unavailable
from calltally.calls.events import Fact
from calltally.ingest.ahead import reading_ahead
from calltally.ingest.imports import Chunk, Read, chunk_of
from calltally.providers.callback import UnreadableRecord
from calltally.store.tenants.routes import RouteTarget
from tests.sample_facts import fact

TABLE = {"+15550100": RouteTarget("support", "vera")}
STATED = pack_conversation(Conversation([Turn("user", "Hello")], []))
REPORTED: list[Fact | UnreadableRecord] = [
    fact(1, "CA1", status="busy", to_number="+15550100", talk_seconds=4.5, summary="Will call again."),
    msgspec.structs.replace(fact(2, "CA2", session_id="s1", talk_seconds=3), conversation=STATED),
    UnreadableRecord("line 3", "not JSON"),
    fact(4, "CA4", status="completed", escalated=True, raw=b'{"sid":"CA4"}'),
]
NONE = Chunk([])


def refusing(position: str, reason: str = "x") -> Chunk:
    """A chunk in which nothing could be read."""
    return Chunk([], [UnreadableRecord(position, reason)])


def taken(chunks: Iterator[Chunk]) -> list[Chunk]:
    """All chunks, by way of another process."""

    async def take(ahead: AsyncGenerator[Chunk, None]) -> list[Chunk]:
        async with aclosing(ahead):
            return [chunk async for chunk in ahead]

    with reading_ahead(chunks) as ahead:
        return asyncio.run(take(ahead))


def test_they_are_what_is_made_here() -> None:
    made = [
        chunk_of(REPORTED[:3], "acme", TABLE, deliver=False)._replace(read=Read(0, 9, 4)),
        chunk_of(REPORTED[3:], "acme", TABLE, deliver=True),
    ]
    assert taken(iter(made)) == made
    assert made[0].submissions[0].fact.stated["mapped_route"] == "support"


def test_an_unreadable_rest_is_reported_after_the_facts() -> None:
    def chunks() -> Iterator[Chunk]:
        yield refusing("line 1")
        raise NotUnderstood("it is no list of calls")

    async def take(ahead: AsyncGenerator[Chunk, None]) -> Chunk:
        async with aclosing(ahead):
            first = await anext(ahead)
            with pytest.raises(InvalidInput, match="it is no list of calls"):
                await anext(ahead)
            return first

    with reading_ahead(chunks()) as ahead:
        assert asyncio.run(take(ahead)) == refusing("line 1")


def test_a_process_that_dies_is_no_end_of_its_files() -> None:
    def chunks() -> Iterator[Chunk]:
        yield NONE
        os._exit(3)

    with pytest.raises(Unavailable, match="died; run the import again"):
        taken(chunks())


def test_it_ends_with_its_consumer() -> None:
    def chunks() -> Iterator[Chunk]:
        while True:
            yield refusing("line 1", "x" * 1_000)

    async def take_one(ahead: AsyncGenerator[Chunk, None]) -> Chunk:
        async with aclosing(ahead):
            return await anext(ahead)

    with reading_ahead(chunks()) as ahead:
        assert asyncio.run(take_one(ahead)) == refusing("line 1", "x" * 1_000)
