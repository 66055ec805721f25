"""Ledger of erasures: a file outside the database, so that a restored backup does not undo them.

A line is durable before its erasure commits. If the commit then fails, the line stays: it is of a call that
existed and of a request that was allowed, and a restore carries it out.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

from calltally.calls.errors import InvalidInput, Unavailable
from calltally.calls.identity import uuid_text

SUFFIX: Final = ".erasures"
_MODE: Final = 0o600


class RecordedErasure(msgspec.Struct, frozen=True):
    """Erasure of a call, with all its ids, or removal of a tenant, without ids. No number is in it."""

    kind: Literal["call", "tenant"]
    tenant: str
    at_us: int
    ids: Sequence[str] = ()


class ErasureLedger:
    """A file of erasures that only grows; several processes may write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add_call(self, tenant: str, ids: Sequence[bytes], at_us: int) -> None:
        """Record the erasure of a call. Raises Unavailable; then the call must not be erased."""
        self.add([RecordedErasure("call", tenant, at_us, [uuid_text(each) for each in ids])])

    def add_tenant(self, tenant: str, at_us: int) -> None:
        """Record the removal of a tenant. Raises Unavailable; then the tenant must not be removed."""
        self.add([RecordedErasure("tenant", tenant, at_us)])

    def add(self, erasures: Sequence[RecordedErasure]) -> None:
        """Append erasures, durable on return. Raises Unavailable."""
        lines = b"".join(msgspec.json.encode(each) + b"\n" for each in erasures)
        try:
            self._append(lines)
        except OSError as fault:
            message = (
                f"nothing was erased: the ledger of erasures {self.path} cannot be written ({fault.strerror})"
            )
            raise Unavailable(message) from fault

    def _append(self, lines: bytes) -> None:
        is_new = not self.path.exists()
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, _MODE), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_line(file)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def read(self) -> list[RecordedErasure]:
        """Return all erasures in their order. Raises InvalidInput if the file cannot be read."""
        try:
            *lines, _cut = self.path.read_bytes().split(b"\n")
            return [msgspec.json.decode(line, type=RecordedErasure) for line in lines]
        except (OSError, msgspec.DecodeError) as fault:
            raise InvalidInput.of("erasures", f"{self.path} cannot be read: {fault}") from fault


def _cut_torn_line(file: BinaryIO) -> None:
    """Remove a last line that a crash has cut: its erasure did not commit. Leave the file at its end."""
    if size := file.seek(0, os.SEEK_END):
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
