"""Allocator settings: applied to glibc, skipped elsewhere without an error."""

import ctypes
import subprocess
import sys

import pytest

from calltally.cli.runtime.malloc import keep_freed_memory
from tests.unmeasured import unmeasured


def test_glibc_accepts_settings() -> None:
    has_mallopt = hasattr(ctypes.CDLL(None), "mallopt")
    assert keep_freed_memory() is has_mallopt


def test_other_allocators_are_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert keep_freed_memory() is False


def test_arrow_uses_the_system_allocator() -> None:
    program = (
        "from calltally.cli.runtime.malloc import keep_freed_memory as keep; keep(); import pyarrow, sys;"
        "sys.exit(pyarrow.default_memory_pool().backend_name != 'system')"
    )
    done = subprocess.run([sys.executable, "-c", program], env=unmeasured(), check=False, timeout=60)
    assert done.returncode == 0
