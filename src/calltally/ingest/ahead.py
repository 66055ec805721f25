"""Chunks of an import, prepared ahead in processes of their own while this one writes.

To read, fold and pack takes more of a processor than to write, and needs nothing that the ledger has. The
processes are forked before there is a loop or a thread, are told later what to do, and end with their pipes.
Where there are several, each does its share, and they take turns in handing over what they have.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
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
from calltally.store.content import pack_fact, unpack_fact
from calltally.store.prepared import Prepared

# What the system lets a pipe hold: fewer turns between two processes.
_PIPE_BYTES: Final = 1024 * 1024
_END: Final = b""


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
    is_last_of_turn: bool = True
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


class _Reader(NamedTuple):
    """One of the processes, from the side of whoever writes."""

    process: BaseProcess
    pipes: _Pipes

    async def next(self) -> _Message | None:
        """Decoded while a commit waits for the disk, when the loop has nothing to do; None from the dead."""
        data = await asyncio.to_thread(self._take)
        if data is None:
            return None
        return _LAST if data == _END else _decoder.decode(data)

    def _take(self) -> bytes | None:
        try:
            return self.pipes.taking.recv_bytes()
        except (EOFError, OSError):
            return None

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

    async def chunks(self, task: bytes, on_note: Callable[[bytes], None]) -> AsyncGenerator[Chunk, None]:
        """What they make of `task`, in its order; the next is fetched while one is worked on.

        Raises InvalidInput for what could not be done, Unavailable where one of them died.
        """
        for reader in self._readers:
            reader.pipes.telling.send_bytes(task)
        turn = 0
        try:
            taken = asyncio.create_task(self._readers[turn].next())
            while (message := await taken) is not _LAST:
                if message is None:
                    raise Unavailable("a process that reads the files died; run the import again")
                turn = (turn + message.is_last_of_turn) % len(self._readers)
                taken = asyncio.create_task(self._readers[turn].next())
                if message.fault:
                    raise InvalidInput.of("files", message.fault)
                yield _chunk(message)
                on_note(message.note)
        finally:
            # Whoever waits for one is told of its end by the pipe.
            for reader in self._readers:
                reader.process.terminate()


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
    for end in not_its:
        end.close()
    with suppress(BrokenPipeError, EOFError):
        task = pipes.told.recv_bytes()
        try:
            for stretch in work(task, share):
                pipes.given.send_bytes(_encoder.encode(_message(stretch)))
            pipes.given.send_bytes(_END)
        except (CalltallyError, OSError) as fault:
            pipes.given.send_bytes(_encoder.encode(_Message(fault=str(fault))))


def _message(stretch: Stretch) -> _Message:
    chunk = stretch.chunk
    items = [item for item in chunk if not isinstance(item, Refusal)]
    return _Message(
        [item for item in items if isinstance(item, Prepared)],
        [_other(place, item) for place, item in enumerate(items) if isinstance(item, Fact)],
        [item for item in chunk if isinstance(item, Refusal)],
        stretch.note,
        is_last_of_turn=stretch.is_last_of_turn,
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
