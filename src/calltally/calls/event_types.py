"""The kinds of events that are delivered to a tenant's endpoints (contract section 2)."""

from typing import Final

STARTED: Final = "voice.call.started"
ESCALATED: Final = "voice.call.escalated"
COMPLETED: Final = "voice.call.completed"
EVALUATED: Final = "voice.session.evaluated"
DELIVERY_FAILED: Final = "voice.webhook.delivery_failed"
# What an endpoint is sent when somebody wants to see it receive; it cannot be subscribed to.
TEST: Final = "voice.webhook.test"

SUBSCRIBABLE: Final = (STARTED, ESCALATED, COMPLETED, EVALUATED, DELIVERY_FAILED)
# Of events of one revision: what came first is told first. A call that is told of at its end has started too.
_PLACES: Final = {name: place for place, name in enumerate((*SUBSCRIBABLE, TEST))}


def event_position(name: str) -> int:
    """Where an event stands among those of its revision; one that is not known here stands last."""
    return _PLACES.get(name, len(_PLACES))
