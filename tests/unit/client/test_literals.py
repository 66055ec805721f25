"""Literals of the client are the words of the service."""

from typing import get_args

from calltally.alerts.notify.sink_kinds import KINDS
from calltally.calls.event_types import SUBSCRIBABLE
from calltally.calls.export_formats import FORMATS
from calltally.calls.export_query import PARTITIONS
from calltally.calls.list_query import ORDERS
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.payload_formats import FORMS
from calltally.calls.sessions import SESSION_STATUSES
from calltally.client import literals
from calltally.store.alerts.alerts import UNRESOLVED, AlertState
from calltally.store.webhooks.deliveries import STATES


def test_literals_are_the_words_of_the_service() -> None:
    assert get_args(literals.CallStatus) == STATUSES
    assert get_args(literals.CallDirection) == DIRECTIONS
    assert set(get_args(literals.ListOrder)) == set(ORDERS)
    assert set(get_args(literals.StreamFormat)) == set(FORMATS)
    assert set(get_args(literals.SessionState)) == set(SESSION_STATUSES)
    assert set(get_args(literals.AlertStateFilter)) == {*AlertState, UNRESOLVED}
    assert get_args(literals.ExportPartition) == PARTITIONS
    assert get_args(literals.EventForm) == FORMS
    assert get_args(literals.EventType) == SUBSCRIBABLE
    assert set(get_args(literals.DeliveryState)) == set(STATES)
    assert set(get_args(literals.SinkKindName)) == set(KINDS)
