"""What a program was loaded with is not looked through for garbage; what comes later is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from calltally.cli.runtime.gc import keep_what_is_there, nothing_collected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.enable()
    gc.unfreeze()


def test_nothing_is_collected_until_the_end_whatever_happens() -> None:
    with pytest.raises(RuntimeError, match="False"), nothing_collected():
        raise RuntimeError(gc.isenabled())
    assert gc.isenabled()


def test_whoever_had_it_off_keeps_it_off() -> None:
    gc.disable()
    with nothing_collected():
        pass
    assert not gc.isenabled()


class Round:
    """Refers to itself, so that only a collection finds it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_there_is_kept_and_what_comes_is_not() -> None:
    before = weakref.ref(Round())
    keep_what_is_there()
    after = weakref.ref(Round())
    gc.collect()
    assert before() is not None
    assert after() is None


def test_what_comes_is_looked_at_after_pages_of_it_and_no_earlier() -> None:
    keep_what_is_there()
    before = gc.get_stats()[0]["collections"]
    page = [[number] for number in range(10_000)]
    assert gc.get_stats()[0]["collections"] - before <= 1
    assert len(page) == 10_000
