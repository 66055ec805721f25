"""Follower of the change feed for `--follow`, which appends later changes of the window to one file.

Each line is a call in its present state, or a tombstone: replace or delete your copy with the same id.
"""

from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from calltally.calls.times import parse_instant
from calltally.client.errors import BadRequestError, NotFoundError
from calltally.client.exporting.checkpoint import FileState, replace_file
from calltally.client.exporting.errors import DamagedExport, NotExportable
from calltally.client.exporting.feed import (
    LOCAL_FILTERS,
    FeedChange,
    fetch_feed_page,
    is_in_window,
    matches_plan,
)
from calltally.client.exporting.files import AppendFile
from calltally.client.exporting.manifest import Manifest
from calltally.client.exporting.names import CHANGES_FILE, FOLLOW_CHECKPOINT, existing_name, names_of
from calltally.client.exporting.output import ExportRun
from calltally.client.exporting.pages import ndjson_lines
from calltally.client.exporting.request import ExportPlan

# Duration of a long poll, less than the client's timeout.
LONG_POLL_S: Final = 20


class FollowCheckpoint(msgspec.Struct, frozen=True):
    """Checkpoint of a follower: the position in the feed and the state of the file."""

    plan: ExportPlan
    after: str
    state: FileState | None = None


_decoder: Final = msgspec.json.Decoder(FollowCheckpoint)
_encoder: Final = msgspec.json.Encoder()


class Follower:
    """Follower that appends the changes of the window to the file."""

    def __init__(self, run: ExportRun, base: Manifest) -> None:
        self._run = run
        self._path: Path = follow_path(run.folder.out)
        self._checkpoint = load(self._path) or _first_checkpoint(run.plan, base)
        run.plan.check_same(self._checkpoint.plan, str(self._path))
        self._name = changes_name(self._checkpoint)
        self._file = AppendFile(run.folder.out / self._name, self._checkpoint.state)
        self._rows = self._checkpoint.state.rows if self._checkpoint.state else 0

    def poll_once(self, wait_s: int = LONG_POLL_S) -> int:
        """Process one page of the feed and return the number of written changes. Raises ClientError."""
        try:
            page = fetch_feed_page(self._run.source.sender, self._checkpoint.after, wait_s)
        except (BadRequestError, NotFoundError) as fault:
            raise NotExportable(f"the server has no change feed to follow ({fault.detail})") from fault
        lines = [line for change, record in page.changes if (line := self._line(change, record))]
        self._file.write(ndjson_lines(lines) if lines else b"")
        self._rows += len(lines)
        self._checkpoint = FollowCheckpoint(
            self._checkpoint.plan, page.next, self._file.state(self._name, self._rows)
        )
        replace_file(self._path, _encoder.encode(self._checkpoint))
        return len(lines)

    def run(self) -> None:
        """Follow the feed until interrupted. The next run continues there."""
        self._run.progress.begin("following", None, self._rows)
        while True:
            self._run.progress.advance(self.poll_once())

    def close(self) -> None:
        self._file.close()

    def _line(self, change: FeedChange, record: bytes) -> bytes:
        """Return the line of a change, empty if it does not concern the export.

        A call in the window that does not match the filters gets a tombstone: it may have matched before.
        """
        plan = self._checkpoint.plan
        if change.tombstone or matches_plan(plan, change):
            return record
        if not is_in_window(plan, change) or not plan.filters:
            return b""
        return _encoder.encode({"id": change.id, "tombstone": "left", "revision": change.revision})


def _first_checkpoint(plan: ExportPlan, base: Manifest) -> FollowCheckpoint:
    if base.next is None:
        raise NotExportable("the server has no snapshots, so --follow has no position to start from")
    if others := {name for name, _ in plan.filters} - LOCAL_FILTERS:
        names = ", ".join(sorted(others))
        raise NotExportable(f"the filters {names} cannot be applied to changes; follow without them")
    # The ends of the exported window: `last 7d` has other ends by now.
    ends = (base.window.get("from"), base.window.get("to"))
    from_us, to_us = (None if text is None else parse_instant(text) for text in ends)
    window = replace(plan.window, from_us=from_us, to_us=to_us)
    return FollowCheckpoint(replace(plan, window=window), base.next)


def follow_path(out: Path) -> Path:
    """Return the path of the follower's checkpoint in `out`, whether it exists or not."""
    return out / existing_name(out, FOLLOW_CHECKPOINT)


def changes_name(checkpoint: FollowCheckpoint) -> str:
    """Return the name of the file that the follower appends to."""
    name = checkpoint.state.name if checkpoint.state else CHANGES_FILE
    return name if name in names_of(CHANGES_FILE) else CHANGES_FILE


def load(path: Path) -> FollowCheckpoint | None:
    """Return the checkpoint of a follower or None. Raises DamagedExport if it cannot be read."""
    try:
        return _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedExport(f"{path} is not a checkpoint ({fault}); remove it to follow again") from fault
