"""Where our calls come from when they are compared with events: an exported folder, a server."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from calltally.calls.errors import NotFound
from calltally.calls.times import utc_text
from calltally.calls.windows import FIRST_US, TimeWindow
from calltally.client import Client
from calltally.client.errors import UnexpectedAnswer
from calltally.reconcile.call_states import LOOKBACK_US, CallState, listed_state, mark_outside
from calltally.reconcile.export_folder import ExportFolder


class CallsSide(Protocol):
    """Our calls of a window, and those beside it that events may be of."""

    def states(self) -> Iterator[CallState]:
        """All of them."""
        ...

    def find(self, call_sid: str) -> CallState | None:
        """One by any SID that ever was its own. Raises Erased."""
        ...


class FolderSide:
    """An export: it has what it has, and nobody can be asked for more."""

    def __init__(self, exported: ExportFolder, window: TimeWindow | None) -> None:
        self._exported = exported
        self._window = window

    def states(self) -> Iterator[CallState]:
        """All of them; what is outside of the window is beside it."""
        return map(self._placed, self._exported.states())

    def find(self, call_sid: str) -> CallState | None:  # noqa: ARG002 (as a side has it)
        """None."""
        return None

    def _placed(self, state: CallState) -> CallState:
        return state if self._window is None else mark_outside(state, self._window)


class ServerSide:
    """Any server that keeps the contract of the call list. Raises ClientError."""

    def __init__(self, client: Client, window: TimeWindow, tenant: str | None) -> None:
        self._client = client
        self._window = window
        self._tenant = tenant

    def states(self) -> Iterator[CallState]:
        """Those before the window first: some servers tell no time by which they could be told apart."""
        from_us, to_us = self._window
        if from_us > FIRST_US:
            yield from self._listed(max(from_us - LOOKBACK_US, FIRST_US), from_us, is_outside=True)
        yield from self._listed(from_us, to_us, is_outside=False)

    def find(self, call_sid: str) -> CallState | None:
        """Ask for it; the reference page promises nobody an answer to that."""
        with suppress(NotFound, UnexpectedAnswer):
            return listed_state(self._client.get_call(call_sid))
        return None

    def _listed(self, from_us: int, to_us: int, *, is_outside: bool) -> Iterator[CallState]:
        begins, ends = utc_text(from_us), utc_text(to_us)
        for record in self._client.iter_calls(from_=begins, to=ends, order="asc", tenant=self._tenant):
            if (state := listed_state(record, is_outside=is_outside)) is not None:
                yield state
