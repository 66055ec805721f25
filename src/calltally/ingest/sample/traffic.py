"""Sample messages in their sending order.

The sample is deterministic for a given `now`, so that an interrupted run can be repeated and adds only the
missing messages.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from calltally.calls.model import Status
from calltally.ingest.sample import kamailio, own, retell, telnyx, twilio, vapi, vonage
from calltally.ingest.sample.calls import SampleCall, calls_of
from calltally.ingest.sample.messages import OwnEventBatch, ProviderCallback, SampleMessage

_Callbacks: TypeAlias = Callable[[SampleCall], list[ProviderCallback]]

_CARRIERS: Final[Mapping[str, _Callbacks]] = {
    each.NAME: each.callbacks for each in (twilio, telnyx, vonage, kamailio)
}
_PLATFORMS: Final[Mapping[str, _Callbacks]] = {each.NAME: each.callbacks for each in (vapi, retell)}


def sample(now_us: int) -> list[SampleMessage]:
    """Return the messages in sending order; some are late, early, repeated or out of order."""
    calls = list(calls_of(now_us))
    events = [event for call in calls if call.status == Status.COMPLETED for event in own.events(call)]
    # A report after the call may arrive before the carrier's message, so half of them come first.
    callbacks = [callback for call in calls for callback in _callbacks(call)]
    return [OwnEventBatch(events[::2]), *callbacks, OwnEventBatch(events[1::2])]


def last_event(messages: list[SampleMessage]) -> tuple[str, str]:
    """Return the SID and id of the last event: if it is recorded, the whole sample was sent."""
    last = [message for message in messages if isinstance(message, OwnEventBatch)][-1].events[-1]
    return last["call_sid"], last["id"]


def _callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return the callbacks of both sources; the platform's may come before or after the carrier's."""
    carriers = _sending_order(call, _CARRIERS[call.carrier](call))
    platforms = _PLATFORMS[call.platform](call) if call.platform else []
    return [*platforms, *carriers] if call.number % 2 else [*carriers, *platforms]


def _sending_order(call: SampleCall, callbacks: list[ProviderCallback]) -> list[ProviderCallback]:
    sent = list(reversed(callbacks)) if call.number % 5 == 0 else callbacks
    return [*sent, sent[-1]] if call.number % 4 == 1 else sent
