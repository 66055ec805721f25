"""Runs a connector that writes its records to its output, a message a line, as Airbyte's and Singer's do."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from interop.moving import Row, row_of
from interop.service import Failed, log_tail

# Longer than any copy that works.
GIVE_UP_S: Final = 180

# The record in a message, None for messages of other kinds.
RecordOf = Callable[[dict[str, Any]], dict[str, Any] | None]


def copy_by(script: Path, arguments: Sequence[str], output: Path, record_of: RecordOf) -> list[Row]:
    """The rows that the script writes, in order. Raises Failed, with its last words, if it fails."""
    log = output.with_suffix(".log")
    with output.open("wb") as stdout, log.open("wb") as stderr:
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            cwd=output.parent,
            stdout=stdout,
            stderr=stderr,
            timeout=GIVE_UP_S,
            check=False,
        )
    if done.returncode:
        raise Failed(f"{script.name} ended with status {done.returncode}:\n{log_tail(log)}{log_tail(output)}")
    with output.open("rb") as lines:
        records = (record_of(json.loads(line)) for line in lines)
        return [row_of(record) for record in records if record is not None]
