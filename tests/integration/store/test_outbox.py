"""Events for the tenant's endpoints: written with the change that they tell, their bytes frozen."""

import json
from typing import Any, NamedTuple

import pytest

from calltally.calls.errors import CalltallyError
from calltally.calls.identity import Node, call_uuid
from calltally.calls.times import utc_text
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.interface import Submission
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, listed, submit
from tests.sample_facts import SID, fact, own


class Event(NamedTuple):
    """A row of the outbox."""

    revision: int
    name: str
    id: bytes
    call_id: bytes
    body: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.body)
        return envelope

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.envelope["data"]
        return data


def outbox(bench: Bench) -> list[Event]:
    with direct(bench.url) as db:
        rows = db("SELECT revision, event, event_id, call_id, body FROM outbox ORDER BY revision, event")
    return [Event(revision, *_texts(name, *blobs)) for revision, name, *blobs in rows]


def _texts(name: str, event_id: bytes, call_id: bytes, body: bytes) -> tuple[str, bytes, bytes, bytes]:
    return (
        name.removeprefix("voice.call."),
        bytes(event_id),
        bytes(call_id),
        body_codec.decompress(bytes(body)),
    )


def names(bench: Bench) -> list[tuple[int, str]]:
    return [(event.revision, event.name) for event in outbox(bench)]


def test_a_call_starts_once_and_completes_once(bench: Bench) -> None:
    submit(bench, fact(1, status="initiated"))
    submit(bench, fact(2, status="ringing"))
    submit(bench, fact(3, status="in-progress"))
    submit(bench, fact(9, status="completed"))
    assert names(bench) == [(1, "started"), (4, "completed")]
    submit(bench, own(10, summary="Asked for a table."), fact(9, status="completed"))
    assert names(bench) == [(1, "started"), (4, "completed")]


def test_a_call_that_is_reported_at_its_end_starts_and_completes(bench: Bench) -> None:
    submit(bench, fact(9, status="busy"))
    assert names(bench) == [(1, "completed"), (1, "started")]


def test_a_commit_sends_each_event_once(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), fact(2, status="busy"), fact(3, status="failed"))
    assert names(bench) == [(1, "completed"), (1, "started")]
    assert "corrects" not in outbox(bench)[0].data


def test_an_escalation_is_sent_once_with_its_target(bench: Bench) -> None:
    submit(bench, own(1))
    submit(
        bench, own(2, escalated=True, escalation={"target": "desk", "initiated_by": None, "reason": "asked"})
    )
    submit(bench, own(3, escalated=True, escalation={"target": "other"}))
    assert names(bench) == [(1, "started"), (2, "escalated")]
    assert outbox(bench)[1].data["escalation"] == {"target": "desk", "initiated_by": None, "reason": "asked"}


def test_a_changed_final_state_is_sent_again_with_the_state_that_it_corrects(bench: Bench) -> None:
    submit(bench, fact(5, status="no-answer", sequence=1))
    submit(bench, fact(6, status="in-progress", sequence=2))
    submit(bench, fact(7, status="busy", sequence=3))
    reported = outbox(bench)
    assert [(event.revision, event.name) for event in reported] == [
        (1, "completed"),
        (1, "started"),
        (2, "completed"),
    ]
    assert reported[2].data["status"] == "completed"
    assert reported[2].data["corrects"] == {"status": "no-answer", "revision": 1}


def test_the_envelope_is_that_of_the_contract(bench: Bench) -> None:
    submit(bench, fact(9, status="completed", talk_seconds=4.9, from_number="+15550100", direction="inbound"))
    event = next(event for event in outbox(bench) if event.name == "completed")
    assert list(event.envelope) == ["id", "event", "created_at", "tenant_id", "api_version", "data"]
    assert event.envelope["event"] == "voice.call.completed"
    assert (event.envelope["tenant_id"], event.envelope["created_at"]) == (TENANT, utc_text(NOW_US))
    assert list(event.data) == [
        *("stream_sid", "call_sid", "voice_session_id", "from_number", "to_number", "direction", "status"),
        *("duration_seconds", "escalated", "function_call_count", "transcript_turn_count", "summary"),
        *("id", "revision"),
    ]
    [call] = listed(bench)
    shared = ("call_sid", "from_number", "to_number", "direction", "status", "duration_seconds", "escalated")
    assert {name: event.data[name] for name in (*shared, "summary", "id", "revision")} == {
        name: call[name] for name in (*shared, "summary", "id", "revision")
    }
    assert event.call_id == call_uuid(TENANT, SID)


def test_bytes_are_frozen_when_the_call_changes(bench: Bench) -> None:
    submit(bench, fact(1, status="busy", sequence=1))
    before = outbox(bench)
    bench.now_us += 1_000_000
    submit(bench, fact(2, status="in-progress", sequence=2), own(3, summary="Changed.", escalated=True))
    submit(bench, own(4, "platform-1", links=(Node(SID, is_carrier=True),)))
    after = outbox(bench)
    assert after[:2] == before
    assert len({event.id for event in after}) == len(after) == 4


def test_imports_and_replays_send_nothing_unless_requested(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), fact(2, status="busy"), announce=False)
    submit(bench, own(3, "other", escalated=True), announce=False)
    assert names(bench) == []
    submit(bench, fact(4, status="failed", sequence=2))
    assert names(bench) == [(3, "completed")]


def test_a_repeat_during_an_import_sends_nothing(bench: Bench) -> None:
    """Requests share commits as it happens; what a live repeat says must not depend on that."""
    submit(bench, fact(1, status="ringing"))

    async def together() -> None:
        late = own(1, event_id="again", status="ringing")
        await bench.store.submit(
            [
                Submission(TENANT, fact(2, status="busy"), announce=False),
                Submission(TENANT, fact(1, status="ringing")),
                Submission(TENANT, late),
            ]
        )

    bench.run(together())
    assert [call["status"] for call in listed(bench)] == ["busy"]
    assert names(bench) == [(1, "started")]


def test_a_call_that_lives_on_under_another_id_does_not_start_again(bench: Bench) -> None:
    submit(bench, own(1, "platform-1", escalated=True))
    submit(bench, own(2, "platform-1", links=(Node(SID, is_carrier=True),)))
    assert names(bench) == [(1, "escalated"), (1, "started")]
    submit(bench, fact(3, status="busy"))
    assert names(bench)[2:] == [(4, "completed")]


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")], ids=["final first", "final last"])
def test_of_two_calls_that_become_a_third_neither_end_is_sent_twice(
    bench: Bench, order: tuple[str, str]
) -> None:
    for sid in order:
        submit(bench, own(1, sid, status="busy") if sid == "a" else own(2, sid, escalated=True))
    before = names(bench)
    links = tuple(Node(sid, is_carrier=False) for sid in order)
    submit(bench, fact(3, status="busy", links=links))
    assert [call["call_sid"] for call in listed(bench)] == [SID]
    assert names(bench) == before


def test_events_and_their_change_are_one_transaction(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"))

    async def fail() -> None:
        with pytest.raises(CalltallyError, match="no tenant 'nobody'"):
            await bench.store.submit(
                [Submission(TENANT, fact(2, status="busy")), Submission("nobody", fact(2, status="busy"))],
                in_one_commit=True,
            )

    bench.run(fail())
    assert names(bench) == [(1, "started")]
    assert [call["status"] for call in listed(bench)] == ["ringing"]
    revisions = {event.revision for event in outbox(bench)}
    assert revisions == {call["revision"] for call in listed(bench)}


def test_a_conflicting_event_leaves_neither_fact_nor_call(bench: Bench) -> None:
    """A row that cannot be written takes the whole commit back."""
    with direct(bench.url) as db:
        taken = (TENANT, 1, "voice.call.started", b"0" * 16, b"0" * 16, 0, b"")
        db(
            "INSERT INTO outbox (tenant, revision, event, event_id, call_id, created_us, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *taken,
        )

    async def fail() -> None:
        with pytest.raises(Exception, match=r"(?i)unique"):
            await bench.store.submit([Submission(TENANT, fact(1, status="ringing"))])

    bench.run(fail())
    assert listed(bench) == []
    with direct(bench.url) as db:
        assert db("SELECT count(*) FROM facts") == [(0,)]
        assert db("SELECT revision FROM ledger_heads") == [(0,)]
