"""Sinks of alerts: sealed settings, refused addresses, and the test button."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from calltally.calls.errors import NotFound
from calltally.net.addresses import parse_networks
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.store.alerts.sinks import change_sink, list_sinks
from calltally.web.app import create_app
from tests.conftest import NOW_US, TENANT
from tests.integration.net.receivers import Behave, Receiver, answer_ok, answering, receiving
from tests.integration.store.probing import direct
from tests.integration.web.service import Service, slug

PATH = "/api/v1/alert-sinks"
HOOK = {"kind": "webhook", "name": "ours", "settings": {"url": "https://alerts.example.com/x"}}
SLACK_URL = "https://hooks.slack.example/services/T0/B0/very-secret"


@pytest.fixture
def writing(service: Service) -> dict[str, str]:
    return service.new_key("calls:read", "alerts:write")


def add(service: Service, key: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    answer = service.send(PATH, body, key)
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


def allow_loopback(service: Service) -> None:
    """Allow loopback addresses, as an operator does for a trial."""
    outgoing = OutgoingClient(OutgoingPolicy(allow_http=True, networks=parse_networks("127.0.0.0/8")))
    service.deps = replace(service.deps, outgoing=outgoing)
    service.app = create_app(service.deps)


def press_test_button(
    service: Service, key: dict[str, str], body: dict[str, Any], behave: Behave
) -> tuple[Any, Receiver]:
    """Press the test button of a sink on this machine; return the responses and the receiver."""
    allow_loopback(service)

    async def run() -> tuple[Any, Receiver]:
        async with receiving(behave) as receiver:
            url = f"http://127.0.0.1:{receiver.port}"
            named = {**body, "settings": {**body["settings"], "url": url}}
            made = await service._request("POST", PATH, key, _json(named))
            done = await service._request("POST", f"{PATH}/{made.json()['id']}/test", key)
            sink_after = await service._request("GET", f"{PATH}/{made.json()['id']}", key)
            service.deps.outgoing.close()
            return (made.json(), done.json(), sink_after.json()), receiver

    return service.bench.run(run())


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


def test_a_key_that_may_not_read_calls_gets_no_alert_notifications(
    service: Service, writing: dict[str, str]
) -> None:
    made, alone = add(service, writing, HOOK), service.new_key("alerts:write")
    for path, method in ((PATH, "POST"), (f"{PATH}/{made['id']}", "PUT")):
        refused = service.send(path, HOOK, alone, method)
        assert refused.status_code == 403
        assert "calls:read" in refused.json()["detail"]


def test_secret_is_returned_once_and_stored_sealed(service: Service, writing: dict[str, str]) -> None:
    made = add(service, writing, HOOK)
    assert made["secret"].startswith("whsec_")
    slack = add(service, writing, {"kind": "slack", "name": "team", "settings": {"url": SLACK_URL}})
    assert slack["settings"] == {}
    sink_after = service.get(PATH, writing).json()["data"]
    assert sorted(each["name"] for each in sink_after) == ["ours", "team"]
    assert "very-secret" not in str(sink_after)
    assert "whsec_" not in str(sink_after)
    with direct(service.bench.url) as db:
        rows = str(db("SELECT shown, sealed FROM alert_sinks"))
    assert "very-secret" not in rows
    assert "whsec_" not in rows


def test_sink_is_replaced_and_deleted(service: Service, writing: dict[str, str]) -> None:
    made = add(service, writing, HOOK)
    other = {"kind": "pagerduty", "name": "on call", "settings": {"routing_key": "R" * 32}}
    changed = service.send(f"{PATH}/{made['id']}", other, writing, "PUT").json()
    assert (changed["id"], changed["kind"], changed["settings"]) == (made["id"], "pagerduty", {})
    assert service.get(f"{PATH}/{made['id']}", writing, "DELETE").status_code == 204
    assert slug(service.get(f"{PATH}/{made['id']}", writing)) == "not-found"
    assert slug(service.get(f"{PATH}/{made['id']}", writing, "DELETE")) == "not-found"


WRONG: dict[str, dict[str, Any]] = {
    "another kind": {"kind": "pager", "name": "x", "settings": {}},
    "a name that no text can hold": {**HOOK, "name": "ours\0"},
    "no url": {"kind": "slack", "name": "x", "settings": {}},
    "a misspelt setting": {"kind": "slack", "name": "x", "settings": {"url": SLACK_URL, "channel": "#x"}},
    "plain http": {"kind": "slack", "name": "x", "settings": {"url": "http://hooks.slack.example/x"}},
    "this machine": {"kind": "webhook", "name": "x", "settings": {"url": "https://127.0.0.1/x"}},
    "a cloud's metadata": {"kind": "webhook", "name": "x", "settings": {"url": "https://169.254.169.254/"}},
    "a private network": {"kind": "alertmanager", "name": "x", "settings": {"url": "https://10.0.0.1:9093"}},
    "a short secret": {**HOOK, "settings": {"url": "https://a.example/", "secret": "whsec_AAAA"}},
    "a secret that is cut": {
        **HOOK,
        "settings": {"url": "https://a.example/", "secret": "whsec_" + "A" * 33},
    },
    "two lines": {
        "kind": "email",
        "name": "x",
        "settings": {"host": "mail.example", "from": "a@b.example\nbcc: c", "to": ["d@e.example"]},
    },
    "no recipient": {
        "kind": "email",
        "name": "x",
        "settings": {"host": "mail.example", "from": "a@b.example", "to": []},
    },
}


@pytest.mark.parametrize("wrong", WRONG)
def test_invalid_sink_is_refused(service: Service, writing: dict[str, str], wrong: str) -> None:
    answer = service.send(PATH, WRONG[wrong], writing)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert "10.0.0.1:9093" not in answer.json()["detail"]
    assert service.get(PATH, writing).json()["data"] == []


def test_sink_of_another_tenant_is_not_found(service: Service, writing: dict[str, str]) -> None:
    made = add(service, writing, HOOK)
    theirs = service.new_key("calls:read", "alerts:write", tenant=service.bench.new_tenant())
    assert service.get(PATH, theirs).json() == {"data": []}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
        assert slug(service.get(f"{PATH}/{made['id']}{path}", theirs, method)) == "not-found"
    assert slug(service.send(f"{PATH}/{made['id']}", HOOK, theirs, "PUT")) == "not-found"
    assert slug(service.get(PATH)) == "forbidden"


def test_sink_deleted_during_a_change_stays_deleted(service: Service, writing: dict[str, str]) -> None:
    made = add(service, writing, HOOK)
    store = service.bench.store
    (stored,) = service.bench.run(store.read(list_sinks(TENANT)))
    assert service.get(f"{PATH}/{made['id']}", writing, "DELETE").status_code == 204
    with pytest.raises(NotFound):
        service.bench.run(store.write(change_sink(TENANT, stored, NOW_US)))
    assert service.get(PATH, writing).json() == {"data": []}


def test_test_button_sends_a_verifiable_webhook(service: Service, writing: dict[str, str]) -> None:
    (made, done, sink_after), receiver = press_test_button(service, writing, HOOK, answer_ok)
    assert done == {"told": True, "fault": None}
    assert sink_after["told_at"] is not None
    (visit,) = receiver.visits
    # The library compares with its own clock and the bench's stands still: compare the signatures instead.
    headers = visit.headers
    signed = Webhook(made["secret"]).sign(
        headers["webhook-id"],
        datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC),
        visit.body.decode(),
    )
    assert signed == headers["webhook-signature"]
    event = json.loads(visit.body)
    assert (event["event"], event["id"], event["tenant_id"]) == (
        "voice.alert.test",
        headers["webhook-id"],
        TENANT,
    )


def test_test_button_shows_the_error(service: Service, writing: dict[str, str]) -> None:
    gone = b"HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\nno_service"
    slack = {"kind": "slack", "name": "team", "settings": {}}
    (_, done, sink_after), _receiver = press_test_button(service, writing, slack, answering(gone))
    assert done == {"told": False, "fault": "the sink answered 404: no_service"}
    assert sink_after["fault"] == done["fault"]
    assert sink_after["told_at"] is None
