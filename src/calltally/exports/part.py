"""Single file of an export in progress. All functions wait for the disk: call them in a thread."""

from collections import Counter
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from calltally.calls.export_formats import FORMATS, ExportFormat
from calltally.calls.masking import mask_lines
from calltally.exports.rows import facts_of
from calltally.exports.spec import ExportProgress, ExportSpec, PartProgress
from calltally.exports.window import WindowPosition, row_count
from calltally.formats.writers import Writer, new_writer
from calltally.store.jobs.folders import JobFolder


class PartFile:
    """The file in progress of `progress`, or the next file if there is none."""

    def __init__(self, folder: JobFolder, spec: ExportSpec, progress: ExportProgress, key: str) -> None:
        self._folder = folder
        self._spec = spec
        self._start = progress
        self._part = progress.part or PartProgress(key)
        # The position after the last record in the file.
        self.at = progress.at or WindowPosition(0, 0, None, None)
        self.form = format_of(spec)
        self.of_key = progress.files_of_key if key == progress.last_key else 0
        self.name = name_of(self.form, self._part.key, self.of_key)
        self.stored_name = progress.stored_name(self.name)
        self.key = self._part.key
        self.rows, self.size = self._part.rows, self._part.bytes
        self._ids_bytes = progress.ids_bytes
        self._by_status = Counter(progress.by_status)
        self._writer: Writer

    def open(self) -> None:
        """Truncate the file to the recorded size and open it for writing.

        Raises Misconfigured and FormatUnavailable.
        """
        tz = self._spec.query.tz
        self._writer = new_writer(self.form, ZoneInfo(tz) if tz else None)
        self._folder.cut(self.stored_name, self.size)
        self._folder.cut(self._start.ids_name, self._ids_bytes)
        head = self._writer.begin()
        if not self._part.bytes:
            self._write(head)

    def add(self, records: bytes) -> None:
        facts = facts_of(records)
        self._write(self._writer.add(mask_lines(records) if self._spec.are_masked else records))
        self._folder.write_at(self._start.ids_name, self._ids_bytes, facts.ids)
        self._ids_bytes += len(facts.ids)
        self._by_status += facts.by_status
        self.rows += row_count(records)

    def end(self) -> None:
        self._write(self._writer.end())

    def sync(self) -> None:
        self._folder.sync(self.stored_name, self._start.ids_name)

    def progress(self) -> ExportProgress:
        """Return the progress of the export including this file."""
        return replace(
            self._start,
            at=self.at,
            rows=self._start.rows + self.rows - self._part.rows,
            part=PartProgress(self.key, self.rows, self.size),
            ids_bytes=self._ids_bytes,
            by_status=dict(self._by_status),
        )

    def completed_progress(self) -> ExportProgress:
        now = self.progress()
        return replace(now, part=None, files=now.files + 1, last_key=self.key, files_of_key=self.of_key + 1)

    def _write(self, data: bytes) -> None:
        # A writer that still buffers has no bytes yet: do not create the file.
        if data:
            self._folder.write_at(self.stored_name, self.size, data)
            self.size += len(data)


def format_of(spec: ExportSpec) -> ExportFormat:
    return FORMATS[spec.query.format or ""]


def name_of(form: ExportFormat, key: str, index: int) -> str:
    number = (f"part-{index + 1:05}",) if form.is_columnar else ()
    return "_".join(["calls", *filter(None, (key,)), *number]) + form.suffix
