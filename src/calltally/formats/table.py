"""The table of formats: what a window of calls can be streamed as."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.formats.csv_lines import CsvLines
from calltally.formats.ndjson_lines import NdjsonLines
from calltally.formats.writer import Writer


class Format(NamedTuple):
    """One format.

    - `media_type` is what Accept asks for; `content_type` the same with its parameters, as the answer has it.
    - `suffix` ends a file's name.
    - `is_packed`: whether it is compressed already.
    - `has_zone`: whether its times are text, and so can be of another zone than UTC.
    - `is_saved`: whether a browser should rather save it than show it.
    - `chunk_bytes`: how many bytes of records it takes best at once; None for no more than others.
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


def _csv(zone: ZoneInfo | None) -> Writer:
    return CsvLines(zone)


def _ndjson(_zone: ZoneInfo | None) -> Writer:
    return NdjsonLines()


def _parquet(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.parquet_file import (
        ParquetFile,
    )  # deferred: pyarrow takes 40 MB, most never need it

    return ParquetFile()


def _arrow(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.arrow_stream import (
        ArrowStream,
    )  # deferred: pyarrow takes 40 MB, most never need it

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
        Format("csv", _CSV, f"{_CSV}; charset=utf-8; header=present", ".csv", _csv, has_zone=True),
        Format("ndjson", _NDJSON, _NDJSON, ".ndjson", _ndjson, is_saved=False),
        Format("parquet", _PARQUET, _PARQUET, ".parquet", _parquet, is_packed=True, chunk_bytes=_MANY_BYTES),
        Format("arrow", _ARROW, _ARROW, ".arrows", _arrow, chunk_bytes=_MANY_BYTES),
    )
}
