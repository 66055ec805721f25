"""Test record of jambonz's API server."""

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.providers.callback import RecordSource
from calltally.providers.jambonz.words import NAME
from calltally.providers.registry import RECORDS
from tests.conftest import REAL_DATA
from tests.unit.providers.sampling import NOW_US


def test_the_published_record_is_read() -> None:
    with (REAL_DATA / "jambonz" / "recent_call_cdr.json").open("rb") as file:
        (fact,) = RECORDS[NAME](file, RecordSource(Channel.IMPORT, NOW_US))
    assert isinstance(fact, Fact)
    call = fold("acme", Node(fact.call_sid, is_carrier=True), [fact]).call
    # 45 seconds from the attempt, including 3 seconds of ringing. The caller of an outbound call is jambonz.
    assert (call.direction, call.status, call.duration_seconds) == ("outbound", "completed", 42)
    assert call.end_reason == "local-hung-up"
    assert (call.created_at, call.answered_at) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:03.000000Z",
    )
