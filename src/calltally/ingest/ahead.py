"""Second process, which reads the files of an import while this one writes.

Reading a record takes a fifth of the time of its import, and does not need the ledger. The process is forked,
so it must start before this one has an event loop or a thread. It sends the chunks in order through a pipe.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager, suppress
from fcntl import F_SETPIPE_SZ, fcntl
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import msgspec

from calltally.calls.errors import CalltallyError, InvalidInput, Unavailable
from calltally.ingest.imports import Chunk

# The most that the system lets a pipe hold without privileges: the reader stays a chunk ahead.
_PIPE_BYTES: Final = 1024 * 1024


class _Message(msgspec.Struct, array_like=True, frozen=True):
    """Message in the pipe: a chunk, or else the end, with the reason if the rest cannot be read."""

    chunk: Chunk | None = None
    fault: str = ""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Message)


@contextmanager
def reading_ahead(chunks: Iterable[Chunk]) -> Iterator[AsyncGenerator[Chunk, None]]:
    """Fork a process that iterates over `chunks`, and yield the chunks from its pipe.

    The generator raises InvalidInput for unreadable files, and Unavailable if the process dies.
    """
    context = get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    with suppress(OSError):
        fcntl(receiving.fileno(), F_SETPIPE_SZ, _PIPE_BYTES)
    arguments = (chunks, sending, receiving)
    process = context.Process(target=_send, args=arguments, name="calltally-reader", daemon=True)
    process.start()
    sending.close()
    try:
        yield _received(process, receiving)
    finally:
        process.terminate()
        process.join()
        receiving.close()


async def _received(process: BaseProcess, receiving: Connection) -> AsyncGenerator[Chunk, None]:
    try:
        while (message := await asyncio.to_thread(_next, receiving)).chunk is not None:
            yield message.chunk
    finally:
        # A thread that still waits for the pipe sees its end.
        process.terminate()
    if message.fault:
        raise InvalidInput.of("files", message.fault)


def _next(receiving: Connection) -> _Message:
    try:
        return _decoder.decode(receiving.recv_bytes())
    except (EOFError, OSError) as fault:
        raise Unavailable("the process that reads the files died; run the import again") from fault


def _send(chunks: Iterable[Chunk], sending: Connection, receiving: Connection) -> None:
    """Send the chunks from the forked process. It ignores SIGINT: the writing process ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # An own copy of the other end would hide that the process that writes is gone.
    receiving.close()
    with suppress(BrokenPipeError):
        try:
            for chunk in chunks:
                sending.send_bytes(_encoder.encode(_Message(chunk)))
            end = _Message()
        except (CalltallyError, OSError) as fault:
            end = _Message(fault=str(fault))
        sending.send_bytes(_encoder.encode(end))
