"""Chunks of an import, prepared ahead in a process of their own while this one writes.

To read, fold and pack takes more of a processor than to write, and needs nothing that the ledger has. The
process is forked before there is a loop or a thread, is told later what to do, and ends with its pipe.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
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
from calltally.store.content import pack_fact, unpack_fact
from calltally.store.prepared import Prepared

# What the system lets a pipe hold: fewer turns between the two processes.
_PIPE_BYTES: Final = 1024 * 1024
_END: Final = b""

# From what it is told to chunks, each with a note of how far that is.
Work: TypeAlias = Callable[[bytes], Iterable[tuple[Chunk, bytes]]]


class _Other(msgspec.Struct, array_like=True, frozen=True):
    """A fact that was left as it came, and its place among those of the chunk."""

    place: int
    content: bytes
    received_us: int
    raw: bytes
    conversation: bytes


class _Message(msgspec.Struct, array_like=True, frozen=True):
    """A chunk as it goes through the pipe, or why there is no other."""

    prepared: list[Prepared] = []
    others: list[_Other] = []
    refused: list[Refusal] = []
    note: bytes = b""
    fault: str = ""


class _Pipes(NamedTuple):
    """What is told and what is taken, each with the end that is here and the one that is there."""

    telling: Connection
    told: Connection
    taking: Connection
    given: Connection


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Message)
_LAST: Final = _Message()


class Ahead:
    """The process, from the side of whoever writes."""

    def __init__(self, process: BaseProcess, pipes: _Pipes) -> None:
        self._process = process
        self._pipes = pipes

    async def chunks(self, task: bytes, on_note: Callable[[bytes], None]) -> AsyncGenerator[Chunk, None]:
        """What it makes of `task`; the next is fetched while one is worked on.

        Raises InvalidInput for what it could not do, Unavailable where it died.
        """
        self._pipes.telling.send_bytes(task)
        try:
            taken = asyncio.create_task(self._next())
            while (message := await taken) is not _LAST:
                if message is None:
                    raise Unavailable("the process that reads the files died; run the import again")
                taken = asyncio.create_task(self._next())
                if message.fault:
                    raise InvalidInput.of("files", message.fault)
                yield _chunk(message)
                on_note(message.note)
        finally:
            # Whoever waits for it is told of its end by the pipe.
            self._process.terminate()

    async def _next(self) -> _Message | None:
        """Decoded while a commit waits for the disk, when the loop has nothing to do; None from the dead."""
        data = await asyncio.to_thread(self._take)
        if data is None:
            return None
        return _LAST if data == _END else _decoder.decode(data)

    def _take(self) -> bytes | None:
        try:
            return self._pipes.taking.recv_bytes()
        except (EOFError, OSError):
            return None


@contextmanager
def reading_ahead(work: Work) -> Iterator[Ahead]:
    """Fork a process that does `work` once it is told. There must be no thread yet, and no loop."""
    context = get_context("fork")
    told, telling = context.Pipe(duplex=False)
    taking, given = context.Pipe(duplex=False)
    with suppress(OSError):
        fcntl(taking.fileno(), F_SETPIPE_SZ, _PIPE_BYTES)
    pipes = _Pipes(telling, told, taking, given)
    process = context.Process(target=_read, args=(work, pipes), name="calltally-reader", daemon=True)
    process.start()
    told.close()
    given.close()
    try:
        yield Ahead(process, pipes)
    finally:
        process.terminate()
        process.join()
        telling.close()
        taking.close()


def _read(work: Work, pipes: _Pipes) -> None:
    """All that the process does. An interrupt is for whoever writes, who ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Its own copies of the other ends would keep it from hearing that they were closed.
    pipes.telling.close()
    pipes.taking.close()
    with suppress(BrokenPipeError, EOFError):
        task = pipes.told.recv_bytes()
        try:
            for chunk, note in work(task):
                pipes.given.send_bytes(_encoder.encode(_message(chunk, note)))
            pipes.given.send_bytes(_END)
        except (CalltallyError, OSError) as fault:
            pipes.given.send_bytes(_encoder.encode(_Message(fault=str(fault))))


def _message(chunk: Chunk, note: bytes) -> _Message:
    items = [item for item in chunk if not isinstance(item, Refusal)]
    return _Message(
        [item for item in items if isinstance(item, Prepared)],
        [_other(place, item) for place, item in enumerate(items) if isinstance(item, Fact)],
        [item for item in chunk if isinstance(item, Refusal)],
        note,
    )


def _other(place: int, fact: Fact) -> _Other:
    return _Other(place, pack_fact(fact), fact.received_us, fact.raw, fact.conversation)


def _chunk(message: _Message) -> Chunk:
    """The facts in their order, behind them what was refused."""
    chunk: list[Prepared | Fact | Refusal] = [*message.prepared]
    for other in message.others:
        fact = unpack_fact(other.content, other.received_us, other.raw)
        chunk.insert(other.place, msgspec.structs.replace(fact, conversation=other.conversation))
    return [*chunk, *message.refused]
