"""Collector settings: objects of the start are not collected, later objects are."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from calltally.cli.runtime.gc import freeze_loaded_objects, gc_paused


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.enable()
    gc.unfreeze()


def test_gc_is_paused_until_the_end_even_after_errors() -> None:
    with pytest.raises(RuntimeError, match="False"), gc_paused():
        raise RuntimeError(gc.isenabled())
    assert gc.isenabled()


def test_disabled_gc_stays_disabled() -> None:
    gc.disable()
    with gc_paused():
        pass
    assert not gc.isenabled()


class Cycle:
    """Object that refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_only_later_objects_are_collected() -> None:
    before = weakref.ref(Cycle())
    freeze_loaded_objects()
    after = weakref.ref(Cycle())
    gc.collect()
    assert before() is not None
    assert after() is None


def test_collections_are_rare() -> None:
    freeze_loaded_objects()
    before = gc.get_stats()[0]["collections"]
    page = [[number] for number in range(10_000)]
    assert gc.get_stats()[0]["collections"] - before <= 1
    assert len(page) == 10_000
