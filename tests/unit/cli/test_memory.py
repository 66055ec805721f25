"""The allocator is told to keep memory where it can be told anything, and nowhere is that a fault."""

import ctypes

import pytest

from calltally.cli.memory import keep_freed_memory


def test_an_allocator_that_knows_the_settings_takes_them() -> None:
    knows = hasattr(ctypes.CDLL(None), "mallopt")
    assert keep_freed_memory() is knows


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert keep_freed_memory() is False
