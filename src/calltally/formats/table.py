"""Table of formats: the kinds of files that a window of calls can be streamed as."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from calltally.formats.csv_lines import CsvLines


class Writer(Protocol):
    """Converter of sealed records to the bytes of one file, a chunk at a time, with bounded memory.

    Its methods are called one after the other, not always in one thread.
    """

    def begin(self) -> bytes:
        """Return the bytes before the first call."""
        ...

    def add(self, records: bytes) -> bytes:
        """Add the next calls: at least one, as finished JSON records, joined by line feeds.

        The result may be empty if the writer waits for more. Raises DamagedStore for what is no record.
        """
        ...

    def end(self) -> bytes:
        """Return the rest, and the bytes after the last call."""
        ...


class NdjsonLines:
    """Writer of NDJSON, a call a line. It decodes nothing: records come as lines already."""

    def begin(self) -> bytes:
        return b""

    def add(self, records: bytes) -> bytes:
        return records + b"\n"

    def end(self) -> bytes:
        return b""


class Format(NamedTuple):
    """One format.

    - `media_type` is for Accept; `content_type` is the same with its parameters, for the response.
    - `suffix` ends a file's name.
    - `is_packed`: it is compressed already.
    - `has_zone`: its times are text, and so can be of another zone than UTC.
    - `is_saved`: a browser saves it rather than show it.
    - `chunk_bytes`: the best number of bytes of records at once; None for no more than others.
    """

    name: str
    media_type: str
    content_type: str
    suffix: str
    new_writer: Callable[[ZoneInfo | None], Writer]
    is_packed: bool = False
    has_zone: bool = False
    is_saved: bool = True
    chunk_bytes: int | None = None


def _parquet(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.parquet_file import ParquetFile  # deferred: pyarrow takes 40 MB

    return ParquetFile()


def _arrow(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.arrow import ArrowStream  # deferred: pyarrow takes 40 MB

    return ArrowStream()


# Columns are made by some hundred calls, however many rows there are: with half as many at once Parquet takes
# an eighth longer. Lines take longer with more, since the processor's caches no longer hold them.
_MANY_BYTES: Final = 3 * 1024 * 1024
_PARQUET: Final = "application/vnd.apache.parquet"
_ARROW: Final = "application/vnd.apache.arrow.stream"
_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv"

FORMATS: Final[Mapping[str, Format]] = {
    each.name: each
    for each in (
        Format("csv", _CSV, f"{_CSV}; charset=utf-8; header=present", ".csv", CsvLines, has_zone=True),
        Format("ndjson", _NDJSON, _NDJSON, ".ndjson", lambda _zone: NdjsonLines(), is_saved=False),
        Format("parquet", _PARQUET, _PARQUET, ".parquet", _parquet, is_packed=True, chunk_bytes=_MANY_BYTES),
        Format("arrow", _ARROW, _ARROW, ".arrows", _arrow, chunk_bytes=_MANY_BYTES),
    )
}
