"""One file of an export while it is written. What is done here waits for the disk, so it is for threads."""

from collections import Counter
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from calltally.calls.masking import mask_lines
from calltally.exports.rows import facts_of
from calltally.exports.spec import ExportSpec, Part, Progress
from calltally.exports.window import Position, row_count
from calltally.formats.table import FORMATS, Format
from calltally.formats.writer import Writer
from calltally.store.jobs.folders import JobFolder


class PartFile:
    """Goes on with the file that `progress` has under way, or begins the one that follows."""

    def __init__(self, folder: JobFolder, spec: ExportSpec, progress: Progress, key: str) -> None:
        self._folder = folder
        self._spec = spec
        self._begun = progress
        self._part = progress.part or Part(key)
        # Where to go on behind what is written.
        self.at = progress.at or Position(0, 0, None, None)
        self.form = form_of(spec)
        self.of_key = progress.files_of_key if key == progress.last_key else 0
        self.name = name_of(self.form, self._part.key, self.of_key)
        self.kept_as = progress.kept_as(self.name)
        self.key = self._part.key
        self.rows, self.size = self._part.rows, self._part.bytes
        self._ids_bytes = progress.ids_bytes
        self._by_status = Counter(progress.by_status)
        self._writer: Writer

    def open(self) -> None:
        """Cut what is there to what is known of it, and begin. Raises Misconfigured."""
        tz = self._spec.query.tz
        self._writer = self.form.new_writer(ZoneInfo(tz) if tz else None)
        self._folder.cut(self.kept_as, self.size)
        self._folder.cut(self._begun.ids_name, self._ids_bytes)
        head = self._writer.begin()
        if not self._part.bytes:
            self._write(head)

    def add(self, records: bytes) -> None:
        """Write the next records, of which there is at least one."""
        facts = facts_of(records)
        self._write(self._writer.add(mask_lines(records) if self._spec.are_masked else records))
        self._folder.write_at(self._begun.ids_name, self._ids_bytes, facts.ids)
        self._ids_bytes += len(facts.ids)
        self._by_status += facts.by_status
        self.rows += row_count(records)

    def end(self) -> None:
        """Write what stands behind the last record."""
        self._write(self._writer.end())

    def sync(self) -> None:
        """Return when all of it is on the disk."""
        self._folder.sync(self.kept_as, self._begun.ids_name)

    def progress(self) -> Progress:
        """How far the export is with it."""
        return replace(
            self._begun,
            at=self.at,
            rows=self._begun.rows + self.rows - self._part.rows,
            part=Part(self.key, self.rows, self.size),
            ids_bytes=self._ids_bytes,
            by_status=dict(self._by_status),
        )

    def whole(self) -> Progress:
        """The same once the file is whole."""
        now = self.progress()
        return replace(now, part=None, files=now.files + 1, last_key=self.key, files_of_key=self.of_key + 1)

    def _write(self, data: bytes) -> None:
        # What a writer holds back until it has more is nothing to open a file for.
        if data:
            self._folder.write_at(self.kept_as, self.size, data)
            self.size += len(data)


def form_of(spec: ExportSpec) -> Format:
    """The format of an export."""
    return FORMATS[spec.query.format or ""]


def is_in_parts(form: Format) -> bool:
    """Whether an export is cut into files of so many calls, because none can be gone on with in its midst."""
    return form.name in {"parquet", "arrow"}


def name_of(form: Format, key: str, before: int) -> str:
    """A file's name: of which day or month, and which of several."""
    number = (f"part-{before + 1:05}",) if is_in_parts(form) else ()
    return "_".join(["calls", *filter(None, (key,)), *number]) + form.suffix
