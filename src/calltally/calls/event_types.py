"""Types of events that are delivered to a tenant's endpoints (contract section 2)."""

from typing import Final

STARTED: Final = "voice.call.started"
ESCALATED: Final = "voice.call.escalated"
COMPLETED: Final = "voice.call.completed"
EVALUATED: Final = "voice.session.evaluated"
DELIVERY_FAILED: Final = "voice.webhook.delivery_failed"
# Sent to an endpoint to test it; it cannot be subscribed to.
TEST: Final = "voice.webhook.test"
# Sent to the alert sinks of kind `webhook`, by the change of the alert.
ALERT_CHANGES: Final = ("opened", "reopened", "worsened", "acknowledged", "grouped", "resolved", "test")

SUBSCRIBABLE: Final = (STARTED, ESCALATED, COMPLETED, EVALUATED, DELIVERY_FAILED)
# Order of events of one revision. A call whose first fact reports its end has a started event too.
_POSITIONS: Final = {name: position for position, name in enumerate((*SUBSCRIBABLE, TEST))}


def alert_event(change: str) -> str:
    """Return the type of the event of a change in ALERT_CHANGES."""
    return f"voice.alert.{change}"


def event_position(name: str) -> int:
    """Return the position of an event type within its revision; unknown types come last."""
    return _POSITIONS.get(name, len(_POSITIONS))
