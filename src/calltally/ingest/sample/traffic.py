"""Sample messages in their sending order.

The sample is deterministic for a given `now`, so that an interrupted run can be repeated and adds only the
missing messages.
"""

from calltally.calls.model import Status
from calltally.ingest.sample import carriers, platforms
from calltally.ingest.sample.calls import (
    OwnEventBatch,
    ProviderCallback,
    SampleCall,
    SampleMessage,
    calls_of,
)
from calltally.ingest.sample.conversations import own_events


def sample(now_us: int) -> list[SampleMessage]:
    """Return the messages in sending order; some are late, early, repeated or out of order."""
    calls = list(calls_of(now_us))
    events = [event for call in calls if call.status == Status.COMPLETED for event in own_events(call)]
    # A report after the call may arrive before the carrier's message, so half of them come first.
    callbacks = [callback for call in calls for callback in _callbacks(call)]
    return [OwnEventBatch(events[::2]), *callbacks, OwnEventBatch(events[1::2])]


def last_event(messages: list[SampleMessage]) -> tuple[str, str]:
    """Return the SID and id of the last event: if it is recorded, the whole sample was sent."""
    last = [message for message in messages if isinstance(message, OwnEventBatch)][-1].events[-1]
    return last["call_sid"], last["id"]


def _callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return the callbacks of both sources; the platform's may come before or after the carrier's."""
    of_carrier = _sending_order(call, carriers.CALLBACKS[call.carrier](call))
    of_platform = platforms.CALLBACKS[call.platform](call) if call.platform else []
    return [*of_platform, *of_carrier] if call.number % 2 else [*of_carrier, *of_platform]


def _sending_order(call: SampleCall, callbacks: list[ProviderCallback]) -> list[ProviderCallback]:
    sent = list(reversed(callbacks)) if call.number % 5 == 0 else callbacks
    return [*sent, sent[-1]] if call.number % 4 == 1 else sent
