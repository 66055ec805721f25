"""The answer that a floor gives: bytes and headers that the service itself gave a moment ago."""

import os
from pathlib import Path
from typing import Final

import msgspec

VARIABLE: Final = "BENCH_ANSWER"


class Answer(msgspec.Struct, frozen=True):
    """One answer, and the digest of the key that may have it."""

    body: bytes
    headers: dict[str, str]
    key_digest: bytes


def write_answer(path: Path, answer: Answer) -> dict[str, str]:
    """Leave the answer for a floor to find; returns the environment that leads it there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.msgpack.encode(answer))
    return {VARIABLE: str(path)}


def read_answer() -> Answer:
    """The answer that the environment names."""
    return msgspec.msgpack.decode(Path(os.environ[VARIABLE]).read_bytes(), type=Answer)
