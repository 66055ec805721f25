"""Items of an import's files, file by file: here, or in the process that reads ahead."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact
from calltally.cli.import_.source import STDIN, FirstBytes, Lines, name_of, opened, unpacked
from calltally.ingest.imports import Chunk, Read, chunks_of
from calltally.ingest.routes import RouteTable
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.provider import ListFacts

# A smaller file is imported before another process would have begun.
_WORTH_A_PROCESS_BYTES: Final = 1024 * 1024
_EVERY: Final = 500
# Stands among items where the next process has what comes behind them.
_TURN: Final = None


class Read(NamedTuple):
    """How far a file is: its place among the files, its size (None: not known), how many bytes are read."""

    place: int
    size: int | None
    done: int


class Task(msgspec.Struct, array_like=True):
    """What the process that reads ahead has to know and could not before it was begun."""

    tenant: str
    source: RecordSource
    table: dict[str, RouteTarget]


class Reading(NamedTuple):
    """Files, how their records are read, and where lines that are refused are kept."""

    list_facts: ListFacts
    files: list[Path]
    refused: Path | None

    def is_long(self) -> bool:
        """Decide whether a process of its own is worth its while."""
        return any(str(file) == STDIN for file in self.files) or (
            sum(file.stat().st_size for file in self.files) >= _WORTH_A_PROCESS_BYTES
        )

    def processes(self) -> int:
        """How many may share the files: one reads what can be read but once, and keeps what is refused."""
        is_for_one = self.refused is not None or not all(_is_regular(file) for file in self.files)
        return 1 if is_for_one else min(_MOST_PROCESSES, os.cpu_count() or 1)

    def items(self, source: RecordSource, watch: Callable[[Read], None]) -> Iterator[Fact | UnreadableRecord]:
        """What the files tell in their order; `watch` hears how far that is."""
        items = self._items(source, watch, Share(), self._sizes())
        return (item for item in items if item is not _TURN)

    def _items(
        self, source: RecordSource, watch: Callable[[Read], None], share: Share, sizes: list[int | None]
    ) -> Iterator[Fact | UnreadableRecord | None]:
        with ExitStack() as stack:
            kept = stack.enter_context(self.refused.open("wb")) if self.refused else None
            told = _Told(self.list_facts, source, watch, kept)
            for place, path in enumerate(self.files):
                yield from told.of(Read(place, sizes[place], 0), path, share)

    def _sizes(self) -> list[int | None]:
        """Of each file in bytes, None where that is not known."""
        return [file.stat().st_size if _is_regular(file) else None for file in self.files]

    def ahead(self) -> Work:
        """The same as the work of processes: chunks for the ledger, each with how far it was read.

        To be asked for before they begin: of a file that grows all of them read what it has now.
        """
        sizes = self._sizes()
        # What is forked has its standard input closed; this it keeps.
        stdin = os.dup(sys.stdin.fileno()) if any(str(file) == STDIN for file in self.files) else None

        def chunks() -> Iterator[Chunk]:
            if stdin is not None:
                sys.stdin = os.fdopen(stdin)
            last = [Read(0, None, 0)]
            items = self._items(source, last.append, sizes)
            for chunk in chunks_of(items, tenant, table, deliver=deliver):
                del last[:-1]
                note = _encoder.encode(last[0])
                yield Stretch(prepared(chunk, tenant, table), note, is_last)

        return work


_encoder: Final = msgspec.msgpack.Encoder()
_tasks: Final = msgspec.msgpack.Decoder(Task)
_reads: Final = msgspec.msgpack.Decoder(Read)


def task_for(tenant: str, source: RecordSource, table: RouteTable) -> bytes:
    """The task, as the process is told it."""
    return _encoder.encode(Task(tenant, source, dict(table)))


        return chunks()


def _task_of(task: bytes) -> tuple[str, RecordSource, RouteTable]:
    told = _tasks.decode(task)
    return told.tenant, told.source, told.table


def _is_regular(file: Path) -> bool:
    return str(file) != STDIN and file.is_file()


def _whole(raw: BinaryIO, size: int | None) -> BinaryIO:
    """Unpack a file. What is appended to a plain one from now on is the next import's to read."""
    file = unpacked(raw)
    return file if size is None or file is not raw else cast("BinaryIO", FirstBytes(raw, size))


def _stretches(
    items: Iterator[Fact | UnreadableRecord | None],
) -> Iterator[tuple[list[Fact | UnreadableRecord], bool]]:
    """Items in chunks, each with whether it is the last of its turn, which may be empty."""
    chunk: list[Fact | UnreadableRecord] = []
    for item in items:
        if item is _TURN:
            yield chunk, True
            chunk = []
            continue
        if len(chunk) == _CHUNK:
            yield chunk, False
            chunk = []
        chunk.append(item)


class _Told:
    """What files tell; a refusal says which file it is of, and its line is kept where that was asked for."""

    def __init__(
        self,
        list_facts: ListFacts,
        source: RecordSource,
        watch: Callable[[Read], None],
        kept: BinaryIO | None,
    ) -> None:
        self._list_facts = list_facts
        self._source = source
        self._watch = watch
        self._kept = kept

    def items(self, begin: Read, path: Path) -> Iterator[Fact | UnreadableRecord]:
        """Yield the items of one file in their order."""
        place, size, _ = begin
        name = name_of(path)
        self._watch(begin)
        with opened(path) as raw:
            lines = Lines(_whole(raw, size))
            for count, item in enumerate(self._read(lines)):
                if isinstance(item, Fact):
                    yield item
                else:
                    self._keep(lines.at(item.position))
                    yield msgspec.structs.replace(item, position=f"{name}: {item.position}")
                if size and not count % _EVERY:
                    self._watch(Read(place, size, raw.tell()))
            if lines.fault:
                yield UnreadableRecord(name, lines.fault)

    def _read(self, lines: Lines) -> Iterator[Fact | UnreadableRecord]:
        try:
            yield from self._list_facts(lines, self._source)
        except NotUnderstood as fault:
            yield UnreadableRecord("the file", fault.detail)

    def _keep(self, line: bytes) -> None:
        if self._kept is not None and line:
            self._kept.write(line if line.endswith(b"\n") else line + b"\n")
