"""Batches of Twilio's Event Streams through the whole application."""

import json
from hashlib import sha256
from typing import Any

import pytest

from calltally.ingest.replay import DeadLetterReplay
from calltally.providers.registry import PROVIDERS
from calltally.store.tenants.dead_letters import list_dead_letters
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import HOST, INGEST, SID, Answer, Service, outcomes
from tests.integration.store.probing import direct
from tests.unit.providers.twilio.signing import repeated, sdk_signature
from tests.unit.providers.twilio.streams import envelope, event, summary

BATCH = "application/cloudevents-batch+json"
OTHER_SID = "CA" + "8" * 32
METRICS = envelope("EZ9", "com.twilio.voice.insights.call-metrics.gateway", {"call_sid": SID, "edge": "x"})
BAD: dict[str, Any] = event("EZ2", "complete", summary(OTHER_SID, call_state="dreaming"))


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def post(service: Service, *events: object) -> Answer:
    """Post a batch as a webhook sink does, signed by Twilio's SDK."""
    body = json.dumps(events).encode()
    path = f"{INGEST}?bodySHA256={sha256(body).hexdigest()}"
    signature = sdk_signature(HOST + path, repeated([]))
    return service.request("POST", path, body, {"content-type": BATCH, "x-twilio-signature": signature})


def test_summary_joins_its_call_and_a_repeat_is_a_duplicate(service: Service) -> None:
    complete = event("EZ1", "complete", summary(SID))
    partial = event("EZ0", "partial", summary(SID, connect_duration=0, tags=[]))
    assert outcomes(post(service, partial, complete)) == ["applied", "applied"]
    again = post(service, complete)
    assert (again.status_code, outcomes(again)) == (200, ["duplicate"])
    assert outcomes(post(service, event("EZ3", "partial", summary(SID)))) == ["ignored"]
    (call,) = service.calls()
    assert (call["call_sid"], call["status"], call["end_reason"]) == (SID, "completed", "remote-hung-up")
    assert (call["tags"], call["conflicts"]) == (["high_jitter", "silence"], 0)


def test_unreadable_event_is_a_dead_letter_and_the_others_are_facts(service: Service, bench: Bench) -> None:
    answer = post(service, BAD, event("EZ1", "complete", summary(SID)))
    assert (answer.status_code, outcomes(answer)) == (202, ["dead_letter", "applied"])
    assert "event 1: call_state 'dreaming'" in answer.json()["outcomes"][0]["reason"]
    assert [call["status"] for call in service.calls()] == ["completed"]
    (letter,) = bench.run(bench.store.read(list_dead_letters(TENANT)))
    assert letter.reason == answer.json()["outcomes"][0]["reason"]
    assert service.metric('calltally_dead_letters_total{provider="twilio"} 1.0')
    assert service.metric('calltally_facts_total{outcome="applied",provider="twilio"} 1.0')


def test_replay_of_a_partly_unreadable_batch_repeats_nothing(service: Service, bench: Bench) -> None:
    post(service, BAD, event("EZ1", "complete", summary(SID)))
    before = service.calls()
    replay = DeadLetterReplay(bench.store, PROVIDERS, clock=lambda: bench.now_us)
    report = bench.run(replay.run(TENANT))
    assert (report.still_dead, report.understood, dict(report.facts)) == (1, 0, {"duplicate": 1})
    assert service.calls() == before


def test_unread_kinds_are_stored_and_counted_with_the_facts_of_the_others(
    service: Service, bench: Bench
) -> None:
    answer = post(service, METRICS, event("EZ1", "complete", summary(SID)))
    assert (answer.status_code, outcomes(answer)) == (200, ["ignored", "applied"])
    assert len(service.calls()) == 1
    assert bench.run(bench.store.read(list_dead_letters(TENANT))) == []
    with direct(bench.url) as db:
        assert db("SELECT provider, replayed_us IS NULL FROM dead_letters") == [("twilio", False)]
    kind = "com.twilio.voice.insights.call-metrics.*"
    assert service.metric(f'calltally_unread_messages_total{{kind="{kind}",provider="twilio"}} 1.0')


def test_changed_batch_is_refused(service: Service) -> None:
    body = json.dumps([event("EZ1", "complete", summary(SID))]).encode()
    path = f"{INGEST}?bodySHA256={sha256(body).hexdigest()}"
    headers = {"content-type": BATCH, "x-twilio-signature": sdk_signature(HOST + path, repeated([]))}
    changed = body.replace(b"completed", b"canceled")
    assert service.request("POST", path, changed, headers).status_code == 403
    assert service.calls() == []
