"""Runner of export jobs: resumes an export at its last checkpoint, on any worker.

The bytes of a file depend only on the snapshot and the position. So all workers write the same bytes up to a
checkpoint. CSV and NDJSON resume in the middle of a file. Parquet and Arrow restart the file in progress.
"""

import asyncio
from contextlib import aclosing
from hashlib import sha256
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import Misconfigured
from calltally.calls.list_query import ListQuery
from calltally.calls.times import SECOND_US
from calltally.exports.part import PartFile, format_of
from calltally.exports.rows import KEY_CHARS, contains_any, key_of, same_key
from calltally.exports.spec import (
    PART_ROWS,
    ExportOutcome,
    ExportProgress,
    generation_of,
    read_progress,
    read_spec,
)
from calltally.exports.window import (
    FIRST_ROWS,
    RecordChunk,
    WindowPosition,
    chunks_from,
    position_after,
    position_of,
    query_at,
    row_count,
)
from calltally.store.jobs.cleanup import erased_after
from calltally.store.jobs.jobs import JobFile, SavedProgress, files_of
from calltally.store.jobs.running_job import RunningJob
from calltally.store.listing.list_calls import list_calls, next_calls
from calltally.store.listing.seek import LINE_FEED

# A killed worker repeats at most one second of work, except for Parquet and Arrow: one file.
CHECKPOINT_US: Final = SECOND_US
_NO_POSITION: Final = WindowPosition(0, 0, None, None)


class ExportRunner:
    """Runner of export jobs."""

    async def run(self, running: RunningJob) -> ExportOutcome | None:
        return await _Export(running).run()


class _Export:
    """Run of an export."""

    def __init__(self, running: RunningJob) -> None:
        self._running = running
        self._spec = read_spec(running.job.spec)
        self._progress = read_progress(running.job.progress)
        self._checked = running.job.checked
        self._saved_us = running.clock()

    async def run(self) -> ExportOutcome | None:
        await asyncio.to_thread(self._running.folder.make)
        if not self._is_done():
            await asyncio.to_thread(self._take_over)
        await self._restart_if_stale()
        if self._progress.at is None:
            await self._count()
        while not self._is_done():
            is_complete = await self._write_file()
            if not self._is_done() and not (is_complete and await self._running.may_continue()):
                return None
        await self._remove(self._progress.generation - 1)
        return ExportOutcome(by_status=self._progress.by_status)

    def _is_done(self) -> bool:
        progress = self._progress
        # An export without calls still has one file, with the header of its format.
        return not self._at.left and progress.part is None and progress.files > 0

    @property
    def _at(self) -> WindowPosition:
        return self._progress.at or _NO_POSITION

    async def _restart_if_stale(self) -> None:
        """Restart the export if it contains a call that is now erased, or if a file on the disk is too short.

        Later reads return erased calls as erased. So records of earlier reads must not be written afterwards.
        """
        tenant = self._running.tenant
        erased = await self._running.store.read(erased_after(tenant, self._checked), long=True)
        self._checked = erased.upto
        folder, progress = self._running.folder, self._progress
        written = erased.ids if progress.ids_bytes else frozenset[bytes]()
        has_erased = await asyncio.to_thread(contains_any, folder, progress.ids_name, written)
        if has_erased or await asyncio.to_thread(self._is_truncated):
            self._progress = ExportProgress(generation=self._running.job.run_number)
            await self._running.save(self._checkpoint(afresh=True))
            await self._remove(self._running.job.run_number)

    def _take_over(self) -> None:
        """Rename the files in progress to this run's generation, so that a late earlier run cannot find them.

        Intermediate runs may have renamed them without progress, so the newest of these names is taken.
        """
        progress, generation = self._progress, self._running.job.run_number
        former_runs = range(generation - 1, progress.generation - 1, -1)
        former = [replace(progress, generation=each) for each in former_runs]
        self._progress = replace(progress, generation=generation)
        for index, name in enumerate(self._names(self._progress)):
            any(self._running.folder.rename(self._names(each)[index], name) for each in former)

    def _names(self, progress: ExportProgress) -> list[str]:
        part = progress.part
        of_part = (
            []
            if part is None
            else [PartFile(self._running.folder, self._spec, progress, part.key).stored_name]
        )
        return [progress.ids_name, *of_part]

    async def _remove(self, up_to: int) -> None:
        """Delete the files of all generations up to this one, except complete files.

        No later run reads them, and earlier runs can no longer report them.
        """
        running, folder = self._running, self._running.folder
        files = await running.store.read(files_of(running.tenant, running.job.job))
        left = set(await asyncio.to_thread(folder.names)) - {file.stored_name for file in files}
        await asyncio.to_thread(folder.remove, [name for name in left if 0 < generation_of(name) <= up_to])

    def _is_truncated(self) -> bool:
        folder, progress = self._running.folder, self._progress
        if folder.size_of(progress.ids_name) < progress.ids_bytes:
            return True
        if progress.part is None:
            return False
        in_progress = PartFile(folder, self._spec, progress, progress.part.key)
        return folder.size_of(in_progress.stored_name) < in_progress.size

    async def _count(self) -> None:
        query = replace(self._spec.query, limit=1)
        tenant = self._running.tenant
        listed = await self._running.store.read_tenant(
            tenant, lambda: list_calls(tenant, query), at_least=self._checked, long=True
        )
        at = position_of(query, 0, listed.total)
        self._progress = replace(self._progress, at=at, total=listed.total)
        await self._running.save(self._checkpoint())

    async def _write_file(self) -> bool:
        """Write the file in progress or the next one. Returns true if the file is complete."""
        first = await self._first_chunk()
        file = PartFile(self._running.folder, self._spec, self._progress, self._key_of(first))
        await asyncio.to_thread(file.open)
        is_complete = await self._fill(file, first)
        if is_complete:
            await asyncio.to_thread(file.end)
            await self._save_complete(file)
        else:
            await self._save_part(file)
        return is_complete

    async def _first_chunk(self) -> RecordChunk:
        at = self._at
        if format_of(self._spec).is_columnar:
            at = replace(at, left=min(at.left, PART_ROWS))
        limit = min(FIRST_ROWS, max(at.left, 1))
        records = await self._read(query_at(self._spec.query, at, limit)) if at.left else b""
        return RecordChunk(at, limit, records)

    def _key_of(self, first: RecordChunk) -> str:
        if self._progress.part is not None:
            return self._progress.part.key
        return key_of(first.records.partition(LINE_FEED)[0], KEY_CHARS[self._spec.partition])

    async def _fill(self, file: PartFile, first: RecordChunk) -> bool:
        """Write until the file is complete. Returns false if the run ends before; the file is resumable."""
        is_resumable = not file.form.is_columnar
        each_bytes = file.form.chunk_bytes
        async with aclosing(
            chunks_from(self._spec.query, first, self._read, each_bytes=each_bytes)
        ) as chunks:
            async for chunk in chunks:
                taken = same_key(chunk.records, file.key)
                if taken:
                    await asyncio.to_thread(file.add, taken)
                    left = file.at.left - row_count(taken)
                    file.at = replace(position_after(self._spec.query, chunk.at, taken), left=left)
                if len(taken) < len(chunk.records):
                    return True
                if not await self._running.may_continue() and is_resumable:
                    return not file.at.left
                if is_resumable and self._running.clock() - self._saved_us >= CHECKPOINT_US:
                    await self._save_part(file)
        return True

    async def _save_part(self, file: PartFile) -> None:
        await asyncio.to_thread(file.sync)
        await self._running.save(SavedProgress(msgspec.json.encode(file.progress()), self._checked))
        self._saved_us = self._running.clock()

    async def _save_complete(self, file: PartFile) -> None:
        await asyncio.to_thread(file.sync)
        digest = await self._digest(file)
        complete = JobFile(
            *(self._progress.files, file.name, file.stored_name, file.form.content_type),
            *(file.rows, file.size, digest),
        )
        self._progress = file.completed_progress()
        await self._running.save(
            SavedProgress(msgspec.json.encode(self._progress), self._checked, (complete,))
        )
        self._saved_us = self._running.clock()

    async def _digest(self, file: PartFile) -> bytes:
        """Return the digest of the file, read back from the disk so that it covers the stored bytes."""
        digest, at = sha256(), 0
        while size := await asyncio.to_thread(self._running.folder.feed, file.stored_name, at, digest):
            at += size
            await self._running.may_continue()
        if at != file.size:
            raise Misconfigured(
                "a file in the files folder has changed since it was written; run the export again"
            )
        return digest.digest()

    async def _read(self, query: ListQuery) -> bytes:
        tenant = self._running.tenant
        return await self._running.store.read_tenant(
            tenant, lambda: next_calls(tenant, query), at_least=self._checked, long=True
        )

    def _checkpoint(self, *, afresh: bool = False) -> SavedProgress:
        return SavedProgress(msgspec.json.encode(self._progress), self._checked, clears_files=afresh)
