"""Calls for a comparison with events, from the folder of an export or from a server."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from calltally.calls.errors import NotFound
from calltally.calls.times import utc_text
from calltally.calls.windows import FIRST_US, TimeWindow
from calltally.client import Client
from calltally.client.errors import UnexpectedAnswer
from calltally.reconcile.call_states import LOOKBACK_US, CallState, mark_outside, state_of
from calltally.reconcile.export_folder import AmendedExport


class CallsSide(Protocol):
    """Source of the calls of a window, and of calls near it that events may belong to."""

    def states(self) -> Iterator[CallState]:
        """Yield all calls."""
        ...

    def find(self, call_sid: str) -> CallState | None:
        """Return the call that has or had this SID. Raises Erased."""
        ...


class FolderSide:
    """Calls of an export. It cannot look up further calls."""

    def __init__(self, exported: AmendedExport, window: TimeWindow | None) -> None:
        self._exported = exported
        self._window = window

    def states(self) -> Iterator[CallState]:
        """Yield all calls; those outside of the window are marked as such."""
        return map(self._placed, self._exported.states())

    def find(self, call_sid: str) -> CallState | None:  # noqa: ARG002 (the protocol's signature)
        """Return None: an export has no other calls."""
        return None

    def _placed(self, state: CallState) -> CallState:
        return state if self._window is None else mark_outside(state, self._window)


class ServerSide:
    """Calls of any server that implements the contract of the call list. Raises ClientError."""

    def __init__(self, client: Client, window: TimeWindow, tenant: str | None) -> None:
        self._client = client
        self._window = window
        self._tenant = tenant

    def states(self) -> Iterator[CallState]:
        """Yield the calls before the window first: some servers have no time that separates them."""
        from_us, to_us = self._window
        if from_us > FIRST_US:
            yield from self._listed(max(from_us - LOOKBACK_US, FIRST_US), from_us, is_outside=True)
        yield from self._listed(from_us, to_us, is_outside=False)

    def find(self, call_sid: str) -> CallState | None:
        """Return the call if the server finds it; the contract does not guarantee a lookup by SID."""
        with suppress(NotFound, UnexpectedAnswer):
            return state_of(self._client.get_call(call_sid))
        return None

    def _listed(self, from_us: int, to_us: int, *, is_outside: bool) -> Iterator[CallState]:
        begins, ends = utc_text(from_us), utc_text(to_us)
        for record in self._client.iter_calls(from_=begins, to=ends, order="asc", tenant=self._tenant):
            if (state := state_of(record, is_outside=is_outside)) is not None:
                yield state
