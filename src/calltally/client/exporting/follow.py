"""`--follow`: after the window, whatever changes, appended to one file as the feed tells it.

Each line is a call as it is now, or a tombstone: put it in place of what you have of that id, or delete that.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.times import parse_instant
from calltally.client.errors import BadRequest, NotFound
from calltally.client.exporting.checkpoint import FileState, replace_file
from calltally.client.exporting.errors import DamagedExport, NotExportable
from calltally.client.exporting.feed import TELLABLE, Change, Stretch, is_in, is_of_window, read_stretch
from calltally.client.exporting.files import Appending
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.output import Folder, Watcher
from calltally.client.exporting.pages import lines_of
from calltally.client.exporting.request import Plan

FILE: Final = "changes.ndjson"
CHECKPOINT: Final = "follow.checkpoint"
# The server holds an answer back for so long; less than the client waits for any answer.
WAIT_S: Final = 20


class Followed(msgspec.Struct, frozen=True):
    """How far a follower is: the feed goes on `after`, and the file is what its state says."""

    plan: Plan
    after: str
    state: FileState | None = None


_decoder: Final = msgspec.json.Decoder(Followed)
_encoder: Final = msgspec.json.Encoder()


class Follower:
    """Appends what the feed tells of the window."""

    def __init__(self, source: Source, plan: Plan, folder: Folder, base: Manifest) -> None:
        self._source = source
        self._path: Path = folder.out / CHECKPOINT
        self._at = load(self._path) or Followed(_windowed(plan, base), _start(plan, base))
        plan.check_same(self._at.plan, str(self._path))
        self._file = Appending(folder.out / FILE, self._at.state)
        self._rows = self._at.state.rows if self._at.state else 0

    def step(self, wait_s: int = WAIT_S) -> int:
        """One stretch of the feed; returns how many changes were written. Raises ClientError."""
        try:
            stretch = read_stretch(self._source.sender, self._at.after, wait_s)
        except (BadRequest, NotFound) as fault:
            raise NotExportable(f"the server has no change feed to follow ({fault.detail})") from fault
        lines = list(self._lines(stretch))
        self._file.write(lines_of(lines) if lines else b"")
        self._rows += len(lines)
        self._at = Followed(self._at.plan, stretch.next, self._file.state(FILE, self._rows))
        replace_file(self._path, _encoder.encode(self._at))
        return len(lines)

    def run(self, watcher: Watcher) -> None:
        """On and on; whoever stops it interrupts it, and it goes on there the next time."""
        watcher.begin("following", None, self._rows)
        while True:
            watcher.advance(self.step())

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _lines(self, stretch: Stretch) -> list[bytes]:
        return [line for change, record in stretch.changes if (line := self._line(change, record))]

    def _line(self, change: Change, record: bytes) -> bytes:
        """A call that is of the window and does not match any more is told as gone: it may have matched."""
        plan = self._at.plan
        if change.tombstone or is_in(plan, change):
            return record
        if not is_of_window(plan, change) or not plan.filters:
            return b""
        return _encoder.encode({"id": change.id, "tombstone": "left", "revision": change.revision})


def _windowed(plan: Plan, base: Manifest) -> Plan:
    """The plan with the window that was exported: `the last 7d` is another one by now."""
    ends = (base.window.get("from"), base.window.get("to"))
    from_us, to_us = (None if text is None else parse_instant(text) for text in ends)
    return replace(plan, window=replace(plan.window, from_us=from_us, to_us=to_us))


def _start(plan: Plan, base: Manifest) -> str:
    if base.next is None:
        raise NotExportable("the server has no snapshots, so there is no place in a feed to go on from")
    if others := {name for name, _ in plan.filters} - TELLABLE:
        raise NotExportable(f"whether a change matches {', '.join(sorted(others))} only the server can tell")
    return base.next


def load(path: Path) -> Followed | None:
    """How far a follower is, None where there is none. Raises DamagedExport where it cannot be read."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} is no checkpoint ({fault}); remove it to follow anew") from fault
