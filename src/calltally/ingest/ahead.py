"""Chunks of an import, prepared ahead in processes of their own while this one writes.

To read, fold and pack takes more of a processor than to write, and needs nothing that the ledger has. The
processes are forked before there is a loop or a thread, are told later what to do, and end with their pipes.
Where there are several, each does its share, and they take turns in handing over what they have.
"""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import F_SETPIPE_SZ, fcntl
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.errors import CalltallyError, InvalidInput, Unavailable
from calltally.calls.events import Fact
from calltally.ingest.imports import Chunk
from calltally.providers.callback import Refusal
from calltally.store.db.fact_codec import pack_fact, unpack_fact
from calltally.store.ledger.prepared_calls import Batch, Prepared
from calltally.store.rollups.import_sums import NOTHING, Sums

# What the system lets a pipe hold: fewer turns between two processes.
_PIPE_BYTES: Final = 1024 * 1024
# Messages that are worked on together by whoever writes.
_TOGETHER: Final = 4
# As many are fetched ahead, so that to read goes on while the writer waits for the disk.
_FETCHED: Final = 2 * _TOGETHER
# Who writes sets the pace and has to be on a processor whenever it can go on.
_NICE: Final = 10


class Share(NamedTuple):
    """Which of how many processes, counted from 0."""

    place: int = 0
    of: int = 1


class Stretch(NamedTuple):
    """A chunk, a note of how far that is, and whether the next process has what comes behind it."""

    chunk: Chunk
    note: bytes = b""
    is_last_of_turn: bool = True


# From what it is told and its share to stretches. Each of the processes ends after as many turns.
Work: TypeAlias = Callable[[bytes, Share], Iterable[Stretch]]


class _Other(msgspec.Struct, array_like=True, frozen=True):
    """A fact that was left as it came."""

    content: bytes
    received_us: int
    raw: bytes
    conversation: bytes


class _Message(msgspec.Struct, array_like=True, frozen=True):
    """A chunk as it goes through the pipe, or why there is no other."""

    prepared: list[Prepared] = []
    sums: Sums = NOTHING
    others: list[_Other] = []
    refused: list[Refusal] = []
    note: bytes = b""
    fault: str = ""
    is_end: bool = False
    is_dead: bool = False


class _Pipes(NamedTuple):
    """What is told and what is taken, each with the end that is here and the one that is there."""

    telling: Connection
    told: Connection
    taking: Connection
    given: Connection


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Message)
_DEAD: Final = _encoder.encode(_Message(is_end=True, is_dead=True))


class _Reader(NamedTuple):
    """One of the processes, from the side of whoever writes."""

    process: BaseProcess
    pipes: _Pipes

    def take(self) -> bytes:
        """What it hands over next; empty from the dead."""
        try:
            return self.pipes.taking.recv_bytes()
        except (EOFError, OSError):
            return b""

    def end(self) -> None:
        """Stop it, wherever it is."""
        self.process.terminate()
        self.process.join()
        self.pipes.telling.close()
        self.pipes.taking.close()


class Ahead:
    """The processes, from the side of whoever writes."""

    def __init__(self, readers: list[_Reader]) -> None:
        self._readers = readers

    async def chunks(
        self, task: bytes, on_note: Callable[[bytes], None]
    ) -> AsyncGenerator[list[Chunk], None]:
        """What they make of `task`, in its order; the next are fetched while some are worked on.

        Several come together: pages of indexes are written once a transaction, so that 8,000 calls take a
        sixth less of the writer than four times 2,000. Raises InvalidInput for what could not be done,
        Unavailable where one of them died.
        """
        for reader in self._readers:
            reader.pipes.telling.send_bytes(task)
        fetched: asyncio.Queue[bytes] = asyncio.Queue(_FETCHED)
        fetching = asyncio.create_task(self._fetch(fetched))
        try:
            last = _Message()
            while not last.is_end:
                messages = [message async for message in _some(fetched)]
                last = messages[-1]
                if chunks := [_chunk(message) for message in messages if not message.is_end]:
                    yield chunks
                    on_note([message.note for message in messages if not message.is_end][-1])
                _check(last)
        finally:
            # Whoever waits for one is told of its end by the pipe.
            for reader in self._readers:
                reader.process.terminate()
            fetching.cancel()

    async def _fetch(self, fetched: "asyncio.Queue[bytes]") -> None:
        """Take from whose turn it is, until there is no more."""
        turn = 0
        while data := await asyncio.to_thread(self._readers[turn].take):
            await fetched.put(data[1:])
            turn = (turn + data[0]) % len(self._readers)
        await fetched.put(_DEAD)


async def _some(fetched: "asyncio.Queue[bytes]") -> AsyncIterator[_Message]:
    """As many as are worked on together, decoded; fewer at the end."""
    for _ in range(_TOGETHER):
        message = _decoder.decode(await fetched.get())
        yield message
        if message.is_end:
            return


def _check(last: _Message) -> None:
    if last.is_dead:
        raise Unavailable("a process that reads the files died; run the import again")
    if last.fault:
        raise InvalidInput.of("files", last.fault)


@contextmanager
def reading_ahead(work: Work, processes: int = 1) -> Iterator[Ahead]:
    """Fork processes that do `work` once they are told. There must be no thread yet, and no loop."""
    with ExitStack() as stack:
        readers: list[_Reader] = []
        for place in range(processes):
            readers.append(_forked(work, Share(place, processes), readers))
            stack.callback(readers[-1].end)
        yield Ahead(readers)


def _forked(work: Work, share: Share, others: list[_Reader]) -> _Reader:
    context = get_context("fork")
    told, telling = context.Pipe(duplex=False)
    taking, given = context.Pipe(duplex=False)
    with suppress(OSError):
        fcntl(taking.fileno(), F_SETPIPE_SZ, _PIPE_BYTES)
    pipes = _Pipes(telling, told, taking, given)
    # Its own copies of the other ends would keep a process from hearing that they were closed.
    not_its = [
        end for each in (pipes, *(other.pipes for other in others)) for end in (each.telling, each.taking)
    ]
    arguments = (work, share, pipes, not_its)
    process = context.Process(target=_read, args=arguments, name="calltally-reader", daemon=True)
    process.start()
    told.close()
    given.close()
    return _Reader(process, pipes)


def _read(work: Work, share: Share, pipes: _Pipes, not_its: list[Connection]) -> None:
    """All that a process does. An interrupt is for whoever writes, who ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    for end in not_its:
        end.close()
    with suppress(BrokenPipeError, EOFError):
        task = pipes.told.recv_bytes()
        try:
            for stretch in work(task, share):
                _give(pipes, _message(stretch), is_last_of_turn=stretch.is_last_of_turn)
            _give(pipes, _Message(is_end=True))
        except (CalltallyError, OSError) as fault:
            _give(pipes, _Message(fault=str(fault), is_end=True))


def _give(pipes: _Pipes, message: _Message, *, is_last_of_turn: bool = False) -> None:
    """Whose turn is next stands in front, for whoever fetches it without reading it."""
    pipes.given.send_bytes(bytes([is_last_of_turn]) + _encoder.encode(message))


def _message(stretch: Stretch) -> _Message:
    (ready, sums, others), refused = stretch.chunk
    return _Message([*ready], sums, [_other(fact) for fact in others], [*refused], stretch.note)


def _other(fact: Fact) -> _Other:
    return _Other(pack_fact(fact), fact.received_us, fact.raw, fact.conversation)


def _chunk(message: _Message) -> Chunk:
    """As the other process had it."""
    return Chunk(
        Batch(message.prepared, message.sums, [_fact(each) for each in message.others]), message.refused
    )


def _fact(other: _Other) -> Fact:
    fact = unpack_fact(other.content, other.received_us, other.raw)
    return msgspec.structs.replace(fact, conversation=other.conversation)
