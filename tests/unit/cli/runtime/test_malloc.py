"""The allocator is told to keep memory where it can be told anything, and nowhere is that a fault."""

import ctypes
import subprocess
import sys

import pytest

from calltally.cli.runtime.malloc import keep_freed_memory


def test_an_allocator_that_knows_the_settings_takes_them() -> None:
    knows = hasattr(ctypes.CDLL(None), "mallopt")
    assert keep_freed_memory() is knows


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert keep_freed_memory() is False


def test_arrow_uses_it_too() -> None:
    program = (
        "from calltally.cli.runtime.malloc import keep_freed_memory as keep; keep(); import pyarrow, sys;"
        "sys.exit(pyarrow.default_memory_pool().backend_name != 'system')"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
