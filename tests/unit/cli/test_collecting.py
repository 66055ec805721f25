"""What a program was loaded with is not looked through for garbage; what comes later is."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from calltally.cli.collecting import keep_what_is_there, nothing_collected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
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
