"""The sample as it is sent, in its order.

Deterministic for a given `now`, so that a sample that was cut short can be played again and adds
only what is missing.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from calltally.calls.model import Status
from calltally.ingest.sample import kamailio, own, retell, telnyx, twilio, vapi, vonage
from calltally.ingest.sample.calls import SampleCall, calls_of
from calltally.ingest.sample.messages import Callback, Message, OwnEvents

_Callbacks: TypeAlias = Callable[[SampleCall], list[Callback]]

_CARRIERS: Final[Mapping[str, _Callbacks]] = {
    each.NAME: each.callbacks for each in (twilio, telnyx, vonage, kamailio)
}
_PLATFORMS: Final[Mapping[str, _Callbacks]] = {each.NAME: each.callbacks for each in (vapi, retell)}


def sample(now_us: int) -> list[Message]:
    """The messages in the order to send them: late, early, repeated, and out of their own order too."""
    calls = list(calls_of(now_us))
    events = [event for call in calls if call.status == Status.COMPLETED for event in own.events(call)]
    # A report after the call may overtake the carrier's word, so half of them come first.
    callbacks = [callback for call in calls for callback in _callbacks(call)]
    return [OwnEvents(events[::2]), *callbacks, OwnEvents(events[1::2])]


def last_event(messages: list[Message]) -> tuple[str, str]:
    """The SID and id of the event that is sent last: where it is recorded, the sample was played whole."""
    last = [message for message in messages if isinstance(message, OwnEvents)][-1].events[-1]
    return last["call_sid"], last["id"]


def _callbacks(call: SampleCall) -> list[Callback]:
    """Both tellers of a call: the platform's word may come before the carrier's, or behind it."""
    carriers = _sent(call, _CARRIERS[call.carrier](call))
    platforms = _PLATFORMS[call.platform](call) if call.platform else []
    return [*platforms, *carriers] if call.number % 2 else [*carriers, *platforms]


def _sent(call: SampleCall, told: list[Callback]) -> list[Callback]:
    sent = list(reversed(told)) if call.number % 5 == 0 else told
    return [*sent, sent[-1]] if call.number % 4 == 1 else sent
