"""Every export format has a writer, which costs nothing until it is used."""

import subprocess
import sys
from zoneinfo import ZoneInfo

from hypothesis import given

from calltally.calls.export_formats import FORMATS
from calltally.formats.writers import NdjsonLines, new_writer
from tests.unit.formats.records import joined, plain, records
from tests.unmeasured import unmeasured


def test_each_is_known_by_its_type_and_its_suffix() -> None:
    assert len({each.media_type for each in FORMATS.values()}) == len(FORMATS)
    assert {each.content_type.partition(";")[0] for each in FORMATS.values()} == {
        each.media_type for each in FORMATS.values()
    }
    assert [each.suffix for each in FORMATS.values()] == [".csv", ".ndjson", ".parquet", ".arrows"]


def test_only_a_format_with_a_zone_is_changed_by_one() -> None:
    for each in FORMATS.values():
        bodies = []
        for zone in (None, ZoneInfo("Asia/Tokyo")):
            writer = new_writer(each, zone)
            bodies.append(writer.begin() + writer.add(plain()) + writer.end())
        assert (bodies[0] != bodies[1]) is each.has_zone


def test_the_service_starts_without_pyarrow() -> None:
    """It takes 40 MB, which a service that never writes Parquet would hold for nothing."""
    program = (
        "import sys, calltally.bootstrap.service, calltally.cli.main; sys.exit('pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], env=unmeasured(), check=False, timeout=60)
    assert done.returncode == 0


@given(records)
def test_each_line_of_ndjson_is_a_record_to_the_byte(sealed: list[bytes]) -> None:
    writer = NdjsonLines()
    body = writer.begin() + writer.add(joined(sealed)) + writer.add(sealed[0]) + writer.end()
    assert body.split(b"\n") == [*sealed, sealed[0], b""]
