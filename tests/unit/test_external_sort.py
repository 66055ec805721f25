"""The external sort gives the same result as a sort in memory, and leaves no files behind."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally import external_sort
from calltally.external_sort import ExternalSorter, Pair

# Few keys, so that many are equal; some are prefixes of others.
KEYS = st.sampled_from([b"", b"a", b"aa", b"ab", b"b", b"\xff", b"\xff\x00"]) | st.binary(max_size=3)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set small blocks and few runs per level, so that little data uses all code paths."""
    monkeypatch.setattr(external_sort, "_MIN_BLOCK_BYTES", 500)
    monkeypatch.setattr(external_sort, "_MAX_RUNS", 3)


def filled(pairs: list[Pair], memory_bytes: int) -> ExternalSorter:
    made = ExternalSorter(memory_bytes=memory_bytes)
    for key, value in pairs:
        made.add(key, value)
    return made


@settings(deadline=None)
@given(keys=st.lists(KEYS, max_size=300), memory_bytes=st.sampled_from([1, 1_000, 4_000, 1_000_000]))
def test_result_equals_sorted(keys: list[bytes], memory_bytes: int) -> None:
    # The values identify equal keys, whose order must be stable.
    pairs = [(key, str(number).encode()) for number, key in enumerate(keys)]
    with filled(pairs, memory_bytes) as spilled:
        assert list(spilled.sorted()) == sorted(pairs, key=lambda pair: pair[0])


@settings(deadline=None)
@given(first=st.lists(KEYS, max_size=60), second=st.lists(KEYS, max_size=60))
def test_sorted_can_be_repeated_after_more_additions(first: list[bytes], second: list[bytes]) -> None:
    pairs = [(key, str(number).encode()) for number, key in enumerate([*first, *second])]
    with filled(pairs[: len(first)], 1_500) as spilled:
        assert list(spilled.sorted()) == sorted(pairs[: len(first)], key=lambda pair: pair[0])
        for key, value in pairs[len(first) :]:
            spilled.add(key, value)
        # Abandoned in the middle, and started again.
        next(iter(spilled.sorted()), None)
        assert list(spilled.sorted()) == sorted(pairs, key=lambda pair: pair[0])


def test_order_of_one_key_is_stable_over_blocks_and_runs() -> None:
    pairs = [(b"same", b"%05d" % number) for number in range(2_000)]
    with filled(pairs, 3_000) as spilled:
        assert list(spilled.sorted()) == pairs


def test_data_that_fits_in_memory_uses_no_disk(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing"
    with ExternalSorter(nowhere) as spilled:
        spilled.add(b"b", b"")
        spilled.add(b"a", b"")
        assert [key for key, _ in spilled.sorted()] == [b"a", b"b"]


def open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 (a listing of the process, no folder of ours)


def test_files_have_no_names_and_are_closed(tmp_path: Path) -> None:
    before = open_files()
    with ExternalSorter(tmp_path, 1_000) as spilled:
        for number in range(300):
            spilled.add(b"%d" % number, b"")
        assert open_files() > before
        assert list(tmp_path.iterdir()) == []
        next(spilled.sorted())
    assert open_files() == before


def test_error_leaves_no_file_open(tmp_path: Path) -> None:
    before = open_files()
    with pytest.raises(AttributeError), filled([(b"a", b"")] * 300, 1_000) as spilled:
        spilled.add("no bytes at all", next(spilled.sorted()).value)  # type: ignore[attr-defined, arg-type]
    assert (open_files(), list(tmp_path.iterdir())) == (before, [])


def test_failed_merge_leaves_its_runs_to_the_sorter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = open_files()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"), ExternalSorter(tmp_path, 1_000) as spilled:  # noqa: PT012
        for number in range(8):
            spilled.add(b"%d" % number, b"")
        monkeypatch.setattr(external_sort, "_merged", full)
        for number in range(300):
            spilled.add(b"%d" % number, b"")
    assert open_files() == before
