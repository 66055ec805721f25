"""Sorting in bounded memory gives what sorting in memory gives, and leaves nothing behind."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally import external_sort
from calltally.external_sort import Pair, Spill

# Few keys, so that many are equal; some longer than others they begin like.
KEYS = st.sampled_from([b"", b"a", b"aa", b"ab", b"b", b"\xff", b"\xff\x00"]) | st.binary(max_size=3)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few pairs, and few runs of a level, so that little data goes all the ways."""
    monkeypatch.setattr(external_sort, "_LEAST_BLOCK_BYTES", 500)
    monkeypatch.setattr(external_sort, "_MOST_RUNS", 3)


def filled(pairs: list[Pair], memory_bytes: int) -> Spill:
    made = Spill(memory_bytes=memory_bytes)
    for key, value in pairs:
        made.add(key, value)
    return made


@settings(deadline=None)
@given(keys=st.lists(KEYS, max_size=300), memory_bytes=st.sampled_from([1, 1_000, 4_000, 1_000_000]))
def test_it_sorts_as_sorted_does(keys: list[bytes], memory_bytes: int) -> None:
    # The values tell equal keys apart: they have to stay as they came.
    pairs = [(key, str(number).encode()) for number, key in enumerate(keys)]
    with filled(pairs, memory_bytes) as spilled:
        assert list(spilled.sorted()) == sorted(pairs, key=lambda pair: pair[0])


@settings(deadline=None)
@given(first=st.lists(KEYS, max_size=60), second=st.lists(KEYS, max_size=60))
def test_it_can_be_asked_again_and_filled_between(first: list[bytes], second: list[bytes]) -> None:
    pairs = [(key, str(number).encode()) for number, key in enumerate([*first, *second])]
    with filled(pairs[: len(first)], 1_500) as spilled:
        assert list(spilled.sorted()) == sorted(pairs[: len(first)], key=lambda pair: pair[0])
        for key, value in pairs[len(first) :]:
            spilled.add(key, value)
        # Left in the middle, and begun anew.
        next(iter(spilled.sorted()), None)
        assert list(spilled.sorted()) == sorted(pairs, key=lambda pair: pair[0])


def test_one_key_over_many_blocks_of_many_runs_stays_in_order() -> None:
    pairs = [(b"same", b"%05d" % number) for number in range(2_000)]
    with filled(pairs, 3_000) as spilled:
        assert list(spilled.sorted()) == pairs


def test_what_fits_never_sees_the_disk(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing"
    with Spill(nowhere) as spilled:
        spilled.add(b"b", b"")
        spilled.add(b"a", b"")
        assert [key for key, _ in spilled.sorted()] == [b"a", b"b"]


def open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 (a listing of the process, no folder of ours)


def test_its_files_have_no_names_and_are_closed(tmp_path: Path) -> None:
    before = open_files()
    with Spill(tmp_path, 1_000) as spilled:
        for number in range(300):
            spilled.add(b"%d" % number, b"")
        assert open_files() > before
        assert list(tmp_path.iterdir()) == []
        next(spilled.sorted())
    assert open_files() == before


def test_an_error_leaves_no_file_open(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(AttributeError), filled([(b"a", b"")] * 300, 1_000) as spilled:
        spilled.add("no bytes at all", next(spilled.sorted()).value)  # type: ignore[attr-defined, arg-type]
    assert (open_files(), list(tmp_path.iterdir())) == (before, [])


def test_a_merge_that_fails_leaves_its_runs_to_the_spill(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = open_files()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), Spill(tmp_path, 1_000) as spilled:  # noqa: PT012
        for number in range(8):
            spilled.add(b"%d" % number, b"")
        monkeypatch.setattr(external_sort, "_merged", full)
        for number in range(300):
            spilled.add(b"%d" % number, b"")
    assert open_files() == before
