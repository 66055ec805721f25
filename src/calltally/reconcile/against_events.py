"""Comparison of calls with the events that a consumer received, in bounded memory.

Both sides arrive in any order, are sorted by call SID, and are joined.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self, TypeAlias

import msgspec
from msgspec import structs

from calltally.calls.errors import Erased
from calltally.external_sort import MEMORY_BYTES, ExternalSorter, Pair
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import EventTerms, event_findings
from calltally.reconcile.events import ReceivedEvent, UnreadableLine
from calltally.reconcile.findings import Finding, FindingKind, times_of

# Finds one call by any SID that it ever had; None if there is none. Raises Erased.
FindCall: TypeAlias = Callable[[str], CallState | None]

_MAX_SEARCHES: Final = 1_000
_MAX_NAMED: Final = 20
# No SID has this prefix: each event without a call has a group of its own.
_NO_CALL_PREFIX: Final = b"\0"
_encoder: Final = msgspec.msgpack.Encoder()
_calls: Final = msgspec.msgpack.Decoder(CallState)
_events: Final = msgspec.msgpack.Decoder(ReceivedEvent)


class JoinedGroup(NamedTuple):
    """Values of one key on each side, in their order."""

    key: bytes
    left: list[bytes]
    right: list[bytes]


def merge_join(left: Iterable[Pair], right: Iterable[Pair]) -> Iterator[JoinedGroup]:
    """Yield the values of each key of either sorted side. Only the values of one key are in memory."""
    lefts = ((key, 0, value) for key, value in left)
    rights = ((key, 1, value) for key, value in right)
    for key, group in groupby(merge(lefts, rights), itemgetter(0)):
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for _, side, value in group:
            sides[side].append(value)
        yield JoinedGroup(key, *sides)


class EventComparison:
    """Comparison: add all calls and events, then read the findings.

    A context manager, because its sorters may have files (in `folder`, else in the system's default folder).
    Each side uses `memory_bytes`.
    """

    def __init__(
        self, terms: EventTerms, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self.examined = {"calls": 0, "events": 0, "made_later": 0, "asked": 0}
        self._terms = terms
        self._calls = ExternalSorter(folder, memory_bytes)
        self._events = ExternalSorter(folder, memory_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for side in (self._calls, self._events):
            side.__exit__(kind, fault, trace)

    def add_calls(self, calls: Iterable[CallState]) -> None:
        """Add calls of the window, and calls outside of it that events may belong to."""
        count = 0
        for call in calls:
            self._calls.add(call.call_sid.encode(), _encoder.encode(call))
            count += not call.is_outside
        self.examined["calls"] += count

    def add_events(self, events: Iterable[ReceivedEvent | UnreadableLine]) -> Iterator[Finding]:
        """Add events. Yields the findings that need no other event."""
        tenant, is_later = self._terms.tenant, self._terms.is_later
        for event in events:
            self.examined["events"] += 1
            if isinstance(event, UnreadableLine):
                yield Finding(FindingKind.UNREADABLE, f"{event.position}: {event.reason}")
            elif tenant is not None and event.tenant not in {None, tenant}:
                yield _other_tenant_finding(event, tenant)
            elif is_later(event):
                self.examined["made_later"] += 1
            else:
                self._events.add(_key(event), _encoder.encode(event))

    def findings(self, find: FindCall | None = None) -> Iterator[Finding]:
        """Yield the findings in the order of the call SIDs.

        `find` is called for calls that are named by events but were not added, at most a thousand times: for
        SIDs that are no longer canonical, and for calls before the window.
        """
        resolved = self._resolve_orphans(find) if find else ()
        for key, calls, events in self._joined():
            if key in resolved:
                continue
            received = [_events.decode(event) for event in events]
            if len(calls) == 1:
                yield from event_findings(_calls.decode(calls[0]), received, self._terms)
            else:
                yield from self._of_several([_calls.decode(call) for call in calls], received)

    def _of_several(self, calls: Sequence[CallState], received: Sequence[ReceivedEvent]) -> Iterator[Finding]:
        """Check events of no call, or of several calls with one SID: then each call has its own events."""
        if not calls:
            yield from event_findings(None, received, self._terms)
            return
        # A call that was added twice, in the window and outside of it, counts as one call.
        by_id = {call.id: call for call in sorted(calls, key=lambda call: not call.is_outside)}
        different = list(by_id.values())
        if len(different) > 1:
            yield _duplicate_finding(different)
        others = {call.id for call in different[1:]}
        # Events that name none of the calls belong to the first one.
        yield from event_findings(
            different[0], [event for event in received if event.call_id not in others], self._terms
        )
        for call in different[1:]:
            yield from event_findings(
                call, [event for event in received if event.call_id == call.id], self._terms
            )

    def _resolve_orphans(self, find: FindCall) -> Collection[bytes]:
        """Find the calls of events without a call. Returns the SIDs that need no further check."""
        # Finish all searches first: the sorter that is being read cannot be added to.
        found_calls = list(self._found_calls(find))
        resolved = set()
        for key, call, received in found_calls:
            own_key = call.call_sid.encode() if call is not None else b""
            if call is not None:
                self._calls.add(own_key, _encoder.encode(call))
            if own_key != key:
                resolved.add(key)
                # Events that arrived under another SID of the call.
                for event in received if call is not None else ():
                    self._events.add(own_key, _encoder.encode(event))
        return resolved

    def _found_calls(self, find: FindCall) -> Iterator[tuple[bytes, CallState | None, list[ReceivedEvent]]]:
        """Yield the SIDs of events whose call was found, with the call; None for an erased call."""
        for key, received in islice(self._orphans(), _MAX_SEARCHES):
            self.examined["asked"] += 1
            try:
                call = find(key.decode())
            except Erased:
                yield key, None, received
                continue
            if call is not None:
                yield key, structs.replace(call, is_outside=True), received

    def _orphans(self) -> Iterator[tuple[bytes, list[ReceivedEvent]]]:
        """Yield the SIDs that would be findings without a call, with their events."""
        for key, calls, events in self._joined():
            if not calls:
                received = [_events.decode(event) for event in events]
                if any(
                    finding.kind is FindingKind.UNKNOWN_CALL
                    for finding in event_findings(None, received, self._terms)
                ):
                    yield key, received

    def _joined(self) -> Iterator[JoinedGroup]:
        return merge_join(self._calls.sorted(), self._events.sorted())


def _key(event: ReceivedEvent) -> bytes:
    return event.call_sid.encode() if event.call_sid else _NO_CALL_PREFIX + event.id.encode()


def _other_tenant_finding(event: ReceivedEvent, tenant: str) -> Finding:
    detail = f"{event.name} is of tenant {event.tenant!r}"
    times = times_of(event_created_at=event.created_us, received_at=event.received_us)
    facets = (event.call_id, event.call_sid, tenant, event.tenant)
    return Finding(FindingKind.OTHER_TENANT, detail, *facets, (event.id,), times)


def _duplicate_finding(calls: Sequence[CallState]) -> Finding:
    ids = ", ".join(call.id for call in calls[:_MAX_NAMED])
    detail = f"{len(calls)} records have it: {ids}"
    states = ", ".join(call.status for call in calls[:_MAX_NAMED])
    return Finding(FindingKind.DUPLICATE_SID, detail, calls[0].id, calls[0].call_sid, states)
