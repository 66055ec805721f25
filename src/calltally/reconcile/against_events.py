"""Calls against the events that a consumer received of them, however many there are of either.

Both sides are taken in any order, sorted by call SID in bounded memory, and joined.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

import msgspec
from msgspec import structs

from calltally.calls.errors import Erased
from calltally.external_sort import MEMORY_BYTES, Spill
from calltally.reconcile.call_states import CallState
from calltally.reconcile.event_rules import Terms, judged
from calltally.reconcile.events import Seen, Unread
from calltally.reconcile.findings import Finding, Kind, times_of
from calltally.reconcile.merge_join import Joined, joined

# Asks for one call by any SID that ever was its own; None where there is none. Raises Erased.
Find: TypeAlias = Callable[[str], CallState | None]

_MOST_ASKED: Final = 1_000
_MOST_NAMED: Final = 20
# No SID begins so: events that are of no call are each by themselves.
_OF_NO_CALL: Final = b"\0"
_encoder: Final = msgspec.msgpack.Encoder()
_calls: Final = msgspec.msgpack.Decoder(CallState)
_events: Final = msgspec.msgpack.Decoder(Seen)


class AgainstEvents:
    """One comparison: take all of both sides, then ask for the findings.

    A context manager, since it may have files (in `folder`, else in the system's own). `memory_bytes` is
    what each of the two sides may use.
    """

    def __init__(self, terms: Terms, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self.looked_at = {"calls": 0, "events": 0, "made_later": 0, "asked": 0}
        self._terms = terms
        self._calls = Spill(folder, memory_bytes)
        self._events = Spill(folder, memory_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for side in (self._calls, self._events):
            side.__exit__(kind, fault, trace)

    def take_calls(self, calls: Iterable[CallState]) -> None:
        """Take some or all calls of the window, and those beside it that events may be of."""
        count = 0
        for call in calls:
            self._calls.add(call.call_sid.encode(), _encoder.encode(call))
            count += not call.beside
        self.looked_at["calls"] += count

    def take_events(self, events: Iterable[Seen | Unread]) -> Iterator[Finding]:
        """Take events; what is wrong with one by itself is told at once."""
        tenant, is_later = self._terms.tenant, self._terms.is_later
        for event in events:
            self.looked_at["events"] += 1
            if isinstance(event, Unread):
                yield Finding(Kind.UNREADABLE, f"{event.position}: {event.reason}")
            elif tenant is not None and event.tenant not in {None, tenant}:
                yield _of_other_tenant(event, tenant)
            elif is_later(event):
                self.looked_at["made_later"] += 1
            else:
                self._events.add(_key(event), _encoder.encode(event))

    def findings(self, find: Find | None = None) -> Iterator[Finding]:
        """What does not add up, in the order of the call SIDs.

        `find` is asked for calls that events name and that were not taken, a thousand at most: SIDs that
        stopped being canonical, and calls of before the window.
        """
        moved = self._moved(find) if find else ()
        for key, calls, events in self._joined():
            if key in moved:
                continue
            seen = [_events.decode(event) for event in events]
            if len(calls) == 1:
                yield from judged(_calls.decode(calls[0]), seen, self._terms)
            else:
                yield from self._of_several([_calls.decode(call) for call in calls], seen)

    def _of_several(self, calls: Sequence[CallState], seen: Sequence[Seen]) -> Iterator[Finding]:
        """Of no call, or of more than one with the same SID: then each is judged by its own events."""
        if not calls:
            yield from judged(None, seen, self._terms)
            return
        # One that was taken from beside the window too is still of it.
        by_id = {call.id: call for call in sorted(calls, key=lambda call: not call.beside)}
        different = list(by_id.values())
        if len(different) > 1:
            yield _duplicates(different)
        others = {call.id for call in different[1:]}
        # Events that name none of them are the first one's.
        yield from judged(different[0], [event for event in seen if event.call_id not in others], self._terms)
        for call in different[1:]:
            yield from judged(call, [event for event in seen if event.call_id == call.id], self._terms)

    def _moved(self, find: Find) -> Collection[bytes]:
        """Look for the calls of events that are of none; returns the SIDs that are done with."""
        # All are asked for first: what is being read cannot be added to.
        answers = list(self._answers(find))
        for key, call, seen in answers:
            if call is not None:
                self._add(call, seen if call.call_sid.encode() != key else ())
        return {key for key, call, _ in answers if call is None or call.call_sid.encode() != key}

    def _add(self, call: CallState, seen: Iterable[Seen]) -> None:
        """Take a call that was found, and events that came under another SID of it."""
        key = call.call_sid.encode()
        self._calls.add(key, _encoder.encode(call))
        for event in seen:
            self._events.add(key, _encoder.encode(event))

    def _answers(self, find: Find) -> Iterator[tuple[bytes, CallState | None, list[Seen]]]:
        """The SIDs of events that there was an answer to, and the call; None for one that was erased."""
        for key, seen in islice(self._orphans(), _MOST_ASKED):
            self.looked_at["asked"] += 1
            try:
                call = find(key.decode())
            except Erased:
                yield key, None, seen
                continue
            if call is not None:
                yield key, structs.replace(call, beside=True), seen

    def _orphans(self) -> Iterator[tuple[bytes, list[Seen]]]:
        """The SIDs that would be found to be of no call, with their events."""
        for key, calls, events in self._joined():
            if not calls:
                seen = [_events.decode(event) for event in events]
                if any(finding.kind is Kind.UNKNOWN_CALL for finding in judged(None, seen, self._terms)):
                    yield key, seen

    def _joined(self) -> Iterator[Joined]:
        return joined(self._calls.sorted(), self._events.sorted())


def _key(event: Seen) -> bytes:
    return event.call_sid.encode() if event.call_sid else _OF_NO_CALL + event.id.encode()


def _of_other_tenant(event: Seen, tenant: str) -> Finding:
    detail = f"{event.name} is of tenant {event.tenant!r}"
    times = times_of(event_created_at=event.created_us, received_at=event.received_us)
    told = (event.call_id, event.call_sid, tenant, event.tenant)
    return Finding(Kind.OTHER_TENANT, detail, *told, (event.id,), times)


def _duplicates(calls: Sequence[CallState]) -> Finding:
    ids = ", ".join(call.id for call in calls[:_MOST_NAMED])
    detail = f"{len(calls)} records have it: {ids}"
    states = ", ".join(call.status for call in calls[:_MOST_NAMED])
    return Finding(Kind.DUPLICATE_SID, detail, calls[0].id, calls[0].call_sid, states)
