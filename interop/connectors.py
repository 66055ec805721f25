"""Runs a connector that writes its records to its output, a message a line, as Airbyte's and Singer's do."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    records = (record_of(message) for message in messages_of(script, arguments, output))
    return [row_of(record) for record in records if record is not None]


def messages_of(script: Path, arguments: Sequence[str], output: Path) -> Iterator[dict[str, Any]]:
    """The messages that the script writes, in order. Raises Failed, with its last words, if it fails."""
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
        yield from map(json.loads, lines)


class FeedCopy:
    """Copy of the change feed by a connector: a destination that replaces by id and deletes tombstones.

    The state of a run is the argument of the next one.
    """

    def __init__(self, script: Path, arguments: Sequence[str], folder: Path) -> None:
        self._script, self._arguments, self._folder = script, arguments, folder
        self._state: Any = None
        self._revisions: dict[str, int] = {}
        self._runs = 0

    def run(self) -> None:
        """Run the connector with the state of the run before."""
        self._runs += 1
        arguments = list(self._arguments)
        if self._state is not None:
            state = self._folder / "state.json"
            state.write_text(json.dumps(self._state), encoding="utf-8")
            arguments.append(f"--state={state}")
        output = self._folder / f"changes-{self._runs}.ndjson"
        for message in messages_of(self._script, arguments, output):
            if message["type"] == "RECORD":
                record = message["record"]
                self._apply(record.get("data", record))
            elif message["type"] == "STATE":
                # Airbyte takes a list of messages, Singer the value alone.
                self._state = message["value"] if "value" in message else [message["state"]]

    def revisions(self) -> Mapping[str, int]:
        """Return the revision of each call of the copy, by its id."""
        return dict(self._revisions)

    def _apply(self, record: Mapping[str, Any]) -> None:
        if record.get("tombstone") is None:
            self._revisions[record["id"]] = record["revision"]
        else:
            self._revisions.pop(record["id"], None)
