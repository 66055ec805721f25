"""What several processes read of a file, taken in turns, is what one reads of it."""

import gzip
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Door
from calltally.cli.import_ import line_sharing
from calltally.cli.import_.reader import Read, Reading, read_of, task_for
from calltally.ingest.ahead import Share, Stretch
from calltally.ingest.imports import Chunk, prepared
from calltally.providers.callback import Refusal, Source
from calltally.providers.registry import RECORDS
from tests.unit.providers.sampling import NOW_US

SOURCE = Source(Door.IMPORT, NOW_US)
CALL = '{{"sid": "CA{0}", "status": "busy"}}'
PAGE = '{{"calls": [{{"sid": "CB{0}", "status": "busy"}}, {{"sid": "CC{0}"}}, 7]}}'
LINES = (CALL, CALL, PAGE, "", "  ", '{{"sid": "CA{0}"', '{{"status": "lost"}}', "nonsense", "[]")

kinds = st.lists(st.sampled_from(LINES), max_size=40)


@pytest.fixture(autouse=True)
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_sharing, "STRETCH_LINES", 3)


def turns(reading: Reading, processes: int) -> list[list[Stretch]]:
    """What each of so many processes hands over."""
    task = task_for("acme", SOURCE, {})
    return [list(reading.ahead()(task, Share(place, processes))) for place in range(processes)]


def merged(handed_over: list[list[Stretch]]) -> Iterator[Chunk]:
    """Taken as whoever writes takes them; afterwards nothing is left."""
    rest, turn = [iter(each) for each in handed_over], 0
    while (stretch := next(rest[turn], None)) is not None:
        yield stretch.chunk
        turn = (turn + stretch.is_last_of_turn) % len(rest)
    assert [list(each) for each in rest] == [[] for _ in rest]


def flat(chunks: Iterable[Chunk]) -> tuple[list[object], list[Refusal]]:
    """All that makes calls in its order, and all that is refused."""
    told = list(chunks)
    ready: list[object] = [item for each in told for item in (*each.batch.ready, *each.batch.others)]
    return ready, [no for each in told for no in each.refused]


def lengths(stretches: list[Stretch]) -> list[int]:
    """How many items each has of either kind."""
    both = [flat([each.chunk]) for each in stretches]
    return [len(made) + len(refused) for made, refused in both]


def alone(reading: Reading) -> tuple[list[object], list[Refusal]]:
    """What one process reads, prepared."""
    return flat([prepared(list(reading.items(SOURCE, lambda _read: None)), "acme", {})])


@given(files=st.lists(kinds, min_size=1, max_size=3), processes=st.integers(1, 4))
def test_it_is_the_same_in_the_same_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[str]], processes: int
) -> None:
    folder = tmp_path_factory.mktemp("shared")
    paths = []
    for place, lines in enumerate(files):
        paths.append(folder / f"{place}.ndjson")
        paths[-1].write_text("\n".join(line.format(number) for number, line in enumerate(lines)))
    reading = Reading(RECORDS["twilio"], paths, None)
    assert flat(merged(turns(reading, processes))) == alone(reading)


@pytest.mark.parametrize("line", [CALL, CALL.replace("{{", "{{ ").replace("}}", " }}\r")])
def test_lines_of_others_are_not_read(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.ndjson").write_text("\n".join(line.format(number) for number in range(8)))
    first, second = turns(Reading(RECORDS["twilio"], [tmp_path / "a.ndjson"], None), 2)
    assert lengths(first) == [3, 2]
    assert lengths(second) == [3, 0]
    last = read_of(first[-1].note)
    assert last == Read(0, (tmp_path / "a.ndjson").stat().st_size, last.done)


@pytest.mark.parametrize(
    "text", ["", "\n\n", json.dumps([json.loads(CALL.format(n)) for n in range(9)], indent=1)]
)
def test_what_is_no_document_a_line_is_read_by_the_first(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    reading = Reading(RECORDS["twilio"], [tmp_path / "a.json"], None)
    first, second = turns(reading, 2)
    assert flat(merged([first, second])) == alone(reading)
    assert lengths(second) == [0]


@pytest.mark.parametrize("provider", ["asterisk", "freeswitch"])
def test_rows_of_tables_stay_together(tmp_path: Path, provider: str) -> None:
    (tmp_path / "a.csv").write_text("uuid,start_stamp\n" + '"{""a"": 1}","x\n{"\n' * 9)
    reading = Reading(RECORDS[provider], [tmp_path / "a.csv"], None)
    assert flat(merged(turns(reading, 3))) == alone(reading)


def test_a_file_that_is_cut_is_told_of_once(tmp_path: Path) -> None:
    text = "\n".join(CALL.format(number) for number in range(5_000)).encode()
    (tmp_path / "a.gz").write_bytes(gzip.compress(text)[:-100])
    reading = Reading(RECORDS["twilio"], [tmp_path / "a.gz"], None)
    read = flat(merged(turns(reading, 2)))
    assert read == alone(reading)
    assert "the file cannot be read on behind line" in str(read[1][-1])


def test_of_a_file_that_grows_all_read_what_it_has_at_first(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text("".join(f"{CALL.format(number)}\n" for number in range(7)))
    reading = Reading(RECORDS["twilio"], [file], None)
    task, work, before = task_for("acme", SOURCE, {}), reading.ahead(), alone(reading)
    first = list(work(task, Share(0, 2)))
    with file.open("a") as growing:
        growing.writelines(f"{CALL.format(number)}\n" for number in range(7, 20))
    assert flat(merged([first, list(work(task, Share(1, 2)))])) == before


def test_only_one_reads_standard_input_or_keeps_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    list_facts = RECORDS["twilio"]
    (tmp_path / "a").touch()
    os.mkfifo(tmp_path / "pipe")
    assert Reading(list_facts, [tmp_path / "a", tmp_path / "pipe"], None).processes() == 1
    assert Reading(list_facts, [tmp_path / "a"], None).processes() == 2
    assert Reading(list_facts, [Path("-")], None).processes() == 1
    assert Reading(list_facts, [tmp_path / "a"], tmp_path / "refused").processes() == 1
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert Reading(list_facts, [tmp_path / "a"], None).processes() == 1
