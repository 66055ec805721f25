"""Runs an export job: from where it was left to its last file, whoever left it and however.

What is on the disk up to a checkpoint is the same for whoever wrote it, since the bytes of a file are a
function of the snapshot and of the place in it. CSV and NDJSON go on in the midst of a file, Parquet and
Arrow at the first call of the file that was under way.
"""

import asyncio
from contextlib import aclosing
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import Misconfigured
from calltally.calls.filters import ListQuery
from calltally.calls.times import SECOND_US
from calltally.exports.erasures import holds_any
from calltally.exports.part import PartFile, form_of, is_in_parts
from calltally.exports.rows import KEY_CHARS, key_of, same_key
from calltally.exports.spec import PART_ROWS, Outcome, Progress, generation_of, read_progress, read_spec
from calltally.exports.window import (
    FIRST_ROWS,
    Chunk,
    Position,
    chunks_from,
    moved,
    position_of,
    query_at,
    row_count,
)
from calltally.store.jobs.cleanup import erased_after
from calltally.store.jobs.jobs import JobFile, Kept, files_of
from calltally.store.jobs.running_job import JobTurn
from calltally.store.listing.list_calls import LINE_FEED, list_calls, next_calls

# What a worker that is killed does again: no more than a second's work, but in Parquet and Arrow a file's.
CHECKPOINT_US: Final = SECOND_US
_NOWHERE: Final = Position(0, 0, None, None)


class ExportRunner:
    """Does export jobs."""

    async def run(self, turn: JobTurn) -> Outcome | None:
        """Write files for a turn; what came of it when the last is whole."""
        return await _Export(turn).run()


class _Export:
    """One turn of one export."""

    def __init__(self, turn: JobTurn) -> None:
        self._turn = turn
        self._spec = read_spec(turn.job.spec)
        self._progress = read_progress(turn.job.progress)
        self._checked = turn.job.checked
        self._kept_us = turn.clock()

    async def run(self) -> Outcome | None:
        await asyncio.to_thread(self._turn.folder.make)
        if not self._is_done():
            await asyncio.to_thread(self._take_over)
        await self._look_for_erased()
        if self._progress.at is None:
            await self._count()
        while not self._is_done():
            is_whole = await self._write_file()
            if not self._is_done() and not (is_whole and await self._turn.goes_on()):
                return None
        await self._remove(self._progress.generation - 1)
        return Outcome(by_status=self._progress.by_status)

    def _is_done(self) -> bool:
        progress = self._progress
        # Of no calls there is one file all the same, with what stands at its head.
        return not self._at.left and progress.part is None and progress.files > 0

    @property
    def _at(self) -> Position:
        return self._progress.at or _NOWHERE

    async def _look_for_erased(self) -> None:
        """Begin anew where a call was erased that is written already, or what was written is not there.

        All that is read from here on has them erased; so nothing that was read before may be written later.
        """
        tenant = self._turn.tenant
        erased = await self._turn.store.read(erased_after(tenant, self._checked), long=True)
        self._checked = erased.upto
        folder, progress = self._turn.folder, self._progress
        written = erased.ids if progress.ids_bytes else frozenset[bytes]()
        holds = await asyncio.to_thread(holds_any, folder, progress.ids_name, written)
        if holds or await asyncio.to_thread(self._is_lost):
            self._progress = Progress(generation=self._turn.job.turns)
            await self._turn.keep(self._kept(afresh=True))
            await self._remove(self._turn.job.turns)

    def _take_over(self) -> None:
        """Call what is to be gone on with by this turn: who had it before, and is late, finds it no more.

        Turns since may have done so and got no further, so it is the newest of these names.
        """
        progress, turn = self._progress, self._turn.job.turns
        former = [replace(progress, generation=each) for each in range(turn - 1, progress.generation - 1, -1)]
        self._progress = replace(progress, generation=turn)
        for place, name in enumerate(self._names(self._progress)):
            any(self._turn.folder.rename(self._names(each)[place], name) for each in former)

    def _names(self, progress: Progress) -> list[str]:
        """What is written on."""
        part = progress.part
        of_part = (
            [] if part is None else [PartFile(self._turn.folder, self._spec, progress, part.key).kept_as]
        )
        return [progress.ids_name, *of_part]

    async def _remove(self, upto: int) -> None:
        """Have what turns up to that one left be gone, but for the files that are whole.

        No later turn reads it, and an earlier one may not tell of it any more.
        """
        turn, folder = self._turn, self._turn.folder
        files = await turn.store.read(files_of(turn.tenant, turn.job.job))
        left = set(await asyncio.to_thread(folder.names)) - {file.kept_as for file in files}
        await asyncio.to_thread(folder.remove, [name for name in left if 0 < generation_of(name) <= upto])

    def _is_lost(self) -> bool:
        folder, progress = self._turn.folder, self._progress
        if folder.size_of(progress.ids_name) < progress.ids_bytes:
            return True
        if progress.part is None:
            return False
        under_way = PartFile(folder, self._spec, progress, progress.part.key)
        return folder.size_of(under_way.kept_as) < under_way.size

    async def _count(self) -> None:
        query = replace(self._spec.query, limit=1)
        tenant = self._turn.tenant
        listed = await self._turn.store.read_tenant(
            tenant, lambda: list_calls(tenant, query), at_least=self._checked, long=True
        )
        at = position_of(query, 0, listed.total)
        self._progress = replace(self._progress, at=at, total=listed.total)
        await self._turn.keep(self._kept())

    async def _write_file(self) -> bool:
        """The file that is under way, or the next one; whether it is whole, and not only the turn over."""
        first = await self._first_chunk()
        file = PartFile(self._turn.folder, self._spec, self._progress, self._key_of(first))
        await asyncio.to_thread(file.open)
        is_whole = await self._fill(file, first)
        if is_whole:
            await asyncio.to_thread(file.end)
            await self._keep_whole(file)
        else:
            await self._keep_part(file)
        return is_whole

    async def _first_chunk(self) -> Chunk:
        at = self._at
        if is_in_parts(form_of(self._spec)):
            at = replace(at, left=min(at.left, PART_ROWS))
        limit = min(FIRST_ROWS, max(at.left, 1))
        records = await self._read(query_at(self._spec.query, at, limit)) if at.left else b""
        return Chunk(at, limit, records)

    def _key_of(self, first: Chunk) -> str:
        if self._progress.part is not None:
            return self._progress.part.key
        return key_of(first.records.partition(LINE_FEED)[0], KEY_CHARS[self._spec.partition])

    async def _fill(self, file: PartFile, first: Chunk) -> bool:
        """Write until the file is whole; False where the turn is over before, and it can be gone on with."""
        can_wait = not is_in_parts(file.form)
        each_bytes = file.form.chunk_bytes
        async with aclosing(
            chunks_from(self._spec.query, first, self._read, each_bytes=each_bytes)
        ) as chunks:
            async for chunk in chunks:
                taken = same_key(chunk.records, file.key)
                if taken:
                    await asyncio.to_thread(file.add, taken)
                    left = file.at.left - row_count(taken)
                    file.at = replace(moved(self._spec.query, chunk.at, taken), left=left)
                if len(taken) < len(chunk.records):
                    return True
                if not await self._turn.goes_on() and can_wait:
                    return not file.at.left
                if can_wait and self._turn.clock() - self._kept_us >= CHECKPOINT_US:
                    await self._keep_part(file)
        return True

    async def _keep_part(self, file: PartFile) -> None:
        await asyncio.to_thread(file.sync)
        await self._turn.keep(Kept(msgspec.json.encode(file.progress()), self._checked))
        self._kept_us = self._turn.clock()

    async def _keep_whole(self, file: PartFile) -> None:
        await asyncio.to_thread(file.sync)
        digest = await self._digest(file)
        told = JobFile(
            *(self._progress.files, file.name, file.kept_as, file.form.content_type),
            *(file.rows, file.size, digest),
        )
        self._progress = file.whole()
        await self._turn.keep(Kept(msgspec.json.encode(self._progress), self._checked, (told,)))
        self._kept_us = self._turn.clock()

    async def _digest(self, file: PartFile) -> bytes:
        """Of what is on the disk, read again: so nobody is promised what is not there."""
        digest, at = sha256(), 0
        while size := await asyncio.to_thread(self._turn.folder.feed, file.kept_as, at, digest):
            at += size
            await self._turn.goes_on()
        if at != file.size:
            raise Misconfigured("a file in the folder of files is not as it was written")
        return digest.digest()

    async def _read(self, query: ListQuery) -> bytes:
        tenant = self._turn.tenant
        return await self._turn.store.read_tenant(
            tenant, lambda: next_calls(tenant, query), at_least=self._checked, long=True
        )

    def _kept(self, *, afresh: bool = False) -> Kept:
        return Kept(msgspec.json.encode(self._progress), self._checked, afresh=afresh)
