"""Events, exports, endpoints, rules and sinks through both clients, against a running server."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calltally.client import AsyncClient, Client, RetryPolicy, errors
from tests.acceptance.live import Live
from tests.integration.client.either import Either

SCOPES = (
    "alerts:write",
    "calls:read",
    "events:write",
    "exports:write",
    "pii:read",
    "transcripts:read",
    "webhooks:write",
)
MOMENT = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)

Api = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture(params=[Client, AsyncClient], ids=["blocking", "awaiting"])
def api(request: pytest.FixtureRequest, live: Live) -> Iterator[Api]:
    with asyncio.Runner() as runner:
        client = Either(request.param, runner)
        key = live.new_key(live.new_tenant(), *SCOPES)
        yield client.open(live.base, key, retries=RetryPolicy(tries=2, first_s=0.01))
        client.close()


def event(number: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any field)
    return {"id": f"evt-{number}", "call_sid": f"call-{number}", "occurred_at": MOMENT, **fields}


def test_events_are_stored_and_refused_one_by_one(api: Api) -> None:
    events = [event(1, status="completed", direction="inbound"), event(2, status="odd")]
    outcomes = api(lambda client: client.send_events(events))
    assert [each.outcome for each in outcomes] == ["applied", "refused"]
    assert outcomes[1].errors[0].parameter == "status"
    [again] = api(lambda client: client.send_events(events[:1]))
    assert (again.outcome, again.call_id) == ("duplicate", outcomes[0].call_id)
    assert api(lambda client: client.get_call("call-1")).created_time == MOMENT
    [refused] = api(lambda client: client.send_events(events[1:]))
    assert refused.outcome == "refused"


def test_export_is_started_once_and_its_files_are_downloaded(api: Api, tmp_path: Path) -> None:
    api(lambda client: client.send_events([event(number, status="busy") for number in range(7)]))
    started = api(lambda client: client.start_export(from_=MOMENT, status="busy", idempotency_key="october"))
    repeated = api(lambda client: client.start_export(from_=MOMENT, status="busy", idempotency_key="october"))
    assert repeated.id == started.id
    done = api(lambda client: client.wait_for_export(started.id, poll_s=0.05))
    assert (done.rows, done.files[0].rows) == (7, 7)
    [path] = api(lambda client: client.download_export(done.id, tmp_path / "files"))
    assert path.read_bytes().count(b"\n") == 7
    assert api(lambda client: client.get_export_manifest(done.id))["by_status"] == {"busy": 7}
    assert [each.id for each in api(lambda client: client.iter_exports())] == [done.id]
    api(lambda client: client.delete_export(done.id))
    with pytest.raises(errors.InvalidArgument, match="is expired"):
        api(lambda client: client.download_export(done.id, tmp_path / "files"))


def test_endpoint_is_added_once_changed_and_deleted(api: Api) -> None:
    url = "https://hooks.example.com/calls"
    added = api(lambda client: client.add_webhook_endpoint(url, route="sales", idempotency_key="crm"))
    repeated = api(lambda client: client.add_webhook_endpoint(url, route="sales", idempotency_key="crm"))
    assert (repeated.id, repeated.secret) == (added.id, added.secret)
    assert [each.route for each in api(lambda client: client.list_webhook_endpoints())] == ["sales"]
    changed = api(lambda client: client.set_webhook_endpoint(added.id, url, events=["voice.call.completed"]))
    assert (changed.route, changed.events) == (None, ("voice.call.completed",))
    assert api(lambda client: client.pause_webhook_endpoint(added.id)).state == "paused"
    assert api(lambda client: client.rotate_webhook_secret(added.id)).secret != added.secret
    sent = api(lambda client: client.test_webhook_endpoint(added.id))
    assert sent.event == "voice.webhook.test"
    assert api(lambda client: client.get_delivery(added.id, sent.id)).id == sent.id
    assert [each.id for each in api(lambda client: client.iter_deliveries(added.id))] == [sent.id]
    assert api(lambda client: client.list_deliveries(added.id, state="dead")).data == ()
    assert api(lambda client: client.replay_deliveries(added.id, MOMENT, only="dead")) == 0
    api(lambda client: client.delete_webhook_endpoint(added.id))
    with pytest.raises(errors.NotFoundError):
        api(lambda client: client.get_webhook_endpoint(added.id))


def test_rules_and_sinks(api: Api) -> None:
    rules = api(lambda client: client.put_alert_rules({"tz": "Europe/Berlin", "holidays": ["2026-12-25"]}))
    assert api(lambda client: client.put_alert_rules({**rules, "least_calls": 50})) == {
        "least_calls": 50,
        "tz": "Europe/Berlin",
        "holidays": ["2026-12-25"],
    }
    assert api(lambda client: client.get_alert_rules())["least_calls"] == 50
    with pytest.raises(errors.BadRequestError):
        api(lambda client: client.put_alert_rules({"least_calls": 1}))
    settings = {"url": "https://alerts.example.com/calls"}
    added = api(lambda client: client.add_alert_sink("webhook", name="our own", settings=settings))
    assert added.secret.startswith("whsec_")
    slack = {"url": "https://hooks.slack.example.com/services/x"}
    changed = api(lambda client: client.put_alert_sink(added.id, "slack", name="chat", settings=slack))
    assert (changed.kind, changed.settings) == ("slack", {})
    assert [each.name for each in api(lambda client: client.list_alert_sinks())] == ["chat"]
    api(lambda client: client.delete_alert_sink(added.id))
    with pytest.raises(errors.NotFoundError):
        api(lambda client: client.get_alert_sink(added.id))
