"""Writers of the export formats in `calls/export_formats.py`."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from calltally.calls.errors import FormatUnavailable
from calltally.calls.export_formats import ARROW, CSV, NDJSON, PARQUET, ExportFormat
from calltally.formats.csv_lines import CsvLines


class Writer(Protocol):
    """Converter of finished records to the bytes of one file, a chunk at a time, with bounded memory.

    Its methods are called one after the other, not always in one thread.
    """

    def begin(self) -> bytes:
        """Return the bytes before the first call."""
        ...

    def add(self, records: bytes) -> bytes:
        """Add the next calls: at least one, as finished JSON records, joined by line feeds.

        The result may be empty if the writer waits for more. Raises DamagedStore for other bytes.
        """
        ...

    def end(self) -> bytes:
        """Return the rest, and the bytes after the last call."""
        ...


class NdjsonLines:
    """Writer of NDJSON, one call per line. It decodes nothing, because the records are lines already."""

    def begin(self) -> bytes:
        return b""

    def add(self, records: bytes) -> bytes:
        return records + b"\n"

    def end(self) -> bytes:
        return b""


def _parquet(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.parquet_file import ParquetFile  # deferred: pyarrow takes 40 MB

    return ParquetFile()


def _arrow(_zone: ZoneInfo | None) -> Writer:
    from calltally.formats.arrow import ArrowStream  # deferred: pyarrow takes 40 MB

    return ArrowStream()


_WRITERS: Final[Mapping[str, Callable[[ZoneInfo | None], Writer]]] = {
    CSV.name: CsvLines,
    NDJSON.name: lambda _zone: NdjsonLines(),
    PARQUET.name: _parquet,
    ARROW.name: _arrow,
}


def is_installed(form: ExportFormat) -> bool:
    """Return False if a format needs pyarrow, which is an extra of the package, and it is absent."""
    return not form.is_columnar or find_spec("pyarrow") is not None


def check_server_format(form: ExportFormat) -> None:
    """Raise FormatUnavailable, with the remedy, if this server cannot write a format."""
    if not is_installed(form):
        raise FormatUnavailable(
            f"this server cannot write {form.name}, because pyarrow is not installed on it; use ndjson or"
            " csv, or install it there: pip install 'calltally[parquet]'"
        )


def new_writer(form: ExportFormat, zone: ZoneInfo | None = None) -> Writer:
    """Return a writer of one file. Only a format with a zone uses `zone`; None is UTC.

    Raises FormatUnavailable.
    """
    check_server_format(form)
    return _WRITERS[form.name](zone)
