"""Files of an import, in chunks: in their order, each with how far the files are read."""

import gzip
from pathlib import Path

import pytest

from calltally.calls.events import Channel
from calltally.cli.import_.reader import Reading
from calltally.ingest import imports
from calltally.ingest.imports import Chunk
from calltally.providers.callback import RecordSource
from calltally.providers.registry import RECORDS
from tests.unit.providers.sampling import NOW_US

SOURCE = RecordSource(Channel.IMPORT, NOW_US)
CALL = '{{"sid": "CA{0}", "status": "busy"}}\n'


@pytest.fixture(autouse=True)
def few_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "COMMIT_FACTS", 3)


def written(path: Path, *numbers: int) -> Path:
    path.write_text("".join(CALL.format(number) for number in numbers))
    return path


def chunks_in(reading: Reading) -> list[Chunk]:
    return list(reading.chunks(SOURCE, "acme", {}, deliver=False))


def sids(chunks: list[Chunk]) -> list[list[str]]:
    return [[each.fact.call_sid for each in chunk.submissions] for chunk in chunks]


def test_chunks_go_over_files_in_their_order(tmp_path: Path) -> None:
    files = [written(tmp_path / "a", 1, 2, 3, 4), written(tmp_path / "b", 5)]
    chunks = chunks_in(Reading(RECORDS["twilio"], files, None))
    assert sids(chunks) == [["CA1", "CA2", "CA3"], ["CA4", "CA5"]]
    assert [(each.read.file, each.read.size) for each in chunks if each.read] == [
        (file, files[file].stat().st_size) for file in (0, 1)
    ]


def test_a_file_that_is_cut_is_refused_behind_what_it_has(tmp_path: Path) -> None:
    text = "".join(CALL.format(number) for number in range(5_000)).encode()
    (tmp_path / "a.gz").write_bytes(gzip.compress(text)[:-100])
    *_, last = chunks_in(Reading(RECORDS["twilio"], [tmp_path / "a.gz"], None))
    assert "the file cannot be read after line" in last.refused[-1].reason


def test_of_a_file_that_grows_it_reads_what_it_has_at_first(tmp_path: Path) -> None:
    file = written(tmp_path / "a", 1, 2)
    chunks = Reading(RECORDS["twilio"], [file], None).chunks(SOURCE, "acme", {}, deliver=False)
    with file.open("a") as growing:
        growing.write(CALL.format(3))
    assert sids(list(chunks)) == [["CA1", "CA2"]]
