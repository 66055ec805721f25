"""Formats of exported calls: one row for each format of streams, export jobs and `calltally export`.

Everything else derives from the rows: parameters, OpenAPI, responses, the client, the commands and the
dashboard. `formats/writers.py` has the writer of each, and `client/streaming.py` the check of a received
file.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

# Columns are made by some hundred calls, however many rows there are: with half as many at once Parquet takes
# an eighth longer. Lines take longer with more, since the processor's caches no longer hold them.
_COLUMNAR_CHUNK_BYTES: Final = 3 * 1024 * 1024


class ExportFormat(NamedTuple):
    """One format.

    - `media_type` is for Accept.
    - `suffix` ends a file's name.
    - `media_parameters` follow the media type in a response.
    - `is_columnar`: its files are binary, and a new writer cannot continue one.
    - `is_compressed`: it is compressed already.
    - `has_zone`: its times are text, so they can be in another zone than UTC.
    - `is_saved`: a browser saves it instead of displaying it.
    - `is_for_storage`: the calls page and `calltally export` offer it. The others are for programs.
    """

    name: str
    media_type: str
    suffix: str
    media_parameters: str = ""
    is_columnar: bool = False
    is_compressed: bool = False
    has_zone: bool = False
    is_saved: bool = True
    is_for_storage: bool = True

    @property
    def content_type(self) -> str:
        return self.media_type + self.media_parameters

    @property
    def chunk_bytes(self) -> int | None:
        """Best number of bytes of records per chunk; None for the default."""
        return _COLUMNAR_CHUNK_BYTES if self.is_columnar else None


CSV: Final = ExportFormat("csv", "text/csv", ".csv", "; charset=utf-8; header=present", has_zone=True)
NDJSON: Final = ExportFormat("ndjson", "application/x-ndjson", ".ndjson", is_saved=False)
PARQUET: Final = ExportFormat(
    "parquet", "application/vnd.apache.parquet", ".parquet", is_columnar=True, is_compressed=True
)
ARROW: Final = ExportFormat(
    "arrow", "application/vnd.apache.arrow.stream", ".arrows", is_columnar=True, is_for_storage=False
)

FORMATS: Final[Mapping[str, ExportFormat]] = {each.name: each for each in (CSV, NDJSON, PARQUET, ARROW)}
STORAGE_FORMATS: Final = tuple(each.name for each in FORMATS.values() if each.is_for_storage)
DEFAULT_FORMAT: Final = NDJSON.name
