"""`/api/v1/webhook-endpoints`: endpoints and their deliveries."""

import json
from base64 import b64decode
from typing import Any

import pytest

from calltally.calls.times import utc_text
from calltally.net.http_client import OutgoingClient, OutgoingPolicy
from calltally.store.db.leases import Lease, claim
from calltally.store.tenants.tenants import set_masking
from calltally.store.webhooks.deliveries import DEAD, DELIVERED, WAITING
from calltally.store.webhooks.dispatch import (
    AttemptResult,
    DeliveryJob,
    DispatchInput,
    DispatchPlan,
    dispatch,
)
from tests.conftest import NOW_US, Bench
from tests.integration.web.service import Answer, Service, invalid_parameters, slug
from tests.sample_facts import SID

PATH = "/api/v1/webhook-endpoints"
URL = "https://hooks.example.com/calltally"
LEASE = Lease("acme", "deliveries", "test")


class Hooks:
    """Service with a key that may manage webhooks."""

    def __init__(self, bench: Bench) -> None:
        self.service = Service(bench)
        self.key = self.service.new_key("calls:read", "webhooks:write")

    def get(self, path: str = "") -> Answer:
        return self.service.get(PATH + path, self.key)

    def send(self, path: str = "", body: object = None, method: str = "POST") -> Answer:
        return self.service.send(PATH + path, {} if body is None else body, self.key, method)

    def add(self, **body: Any) -> dict[str, Any]:  # noqa: ANN401 (values of every kind)
        answer = self.send(body={"url": URL, **body})
        assert answer.status_code == 201
        endpoint: dict[str, Any] = answer.json()
        return endpoint

    def jobs(self, *results: AttemptResult) -> list[DeliveryJob]:
        """Return the requests that a worker would send now, after recording results."""
        bench = self.service.bench
        bench.now_us += 1_000_000
        now_us, until_us = bench.now_us, bench.now_us + 10_000_000
        bench.run(bench.store.write(claim(LEASE, now_us=now_us, until_us=until_us)))
        operation = dispatch(LEASE, DispatchInput(results=results), now_us=now_us, until_us=until_us)
        reported: DispatchPlan | None = bench.run(bench.store.write(operation))
        assert reported is not None
        return list(reported.jobs)

    def settle(self, job: DeliveryJob, state: str, status: int) -> list[DeliveryJob]:
        now_us = self.service.bench.now_us
        reason = None if state == DELIVERED else f"answered {status}"
        return self.jobs(
            AttemptResult(job, state, now_us, 5_000, status, reason, b"\xff\xfe", now_us + 60_000_000)
        )


@pytest.fixture
def hooks(bench: Bench) -> Hooks:
    return Hooks(bench)


def test_new_endpoint_shows_its_secret_once(hooks: Hooks) -> None:
    made = hooks.add(events=["voice.call.completed"], description="the CRM", route="sales")
    assert len(b64decode(made["secret"].removeprefix("whsec_"))) == 32
    endpoint = hooks.get(f"/{made['id']}").json()
    assert "secret" not in endpoint
    assert endpoint == {name: value for name, value in made.items() if name != "secret"}
    assert (endpoint["state"], endpoint["form"], endpoint["events"]) == (
        "active",
        "standard",
        ["voice.call.completed"],
    )
    assert hooks.get().json() == {"data": [endpoint]}


def test_description_may_have_unassigned_characters(hooks: Hooks) -> None:
    assert hooks.add(description="\U000caf7c")["description"] == "\U000caf7c"


def test_endpoint_is_replaced_and_deleted(hooks: Hooks) -> None:
    made = hooks.add(description="old", agent="scheduler")
    index = f"/{made['id']}"
    changed = hooks.send(index, {"url": URL + "/2", "form": "cloudevents"}, "PUT").json()
    assert (changed["url"], changed["form"], changed["description"], changed["agent"]) == (
        URL + "/2",
        "cloudevents",
        None,
        None,
    )
    assert hooks.send(index, method="DELETE").status_code == 204
    assert [hooks.send(index, method="DELETE").status_code, hooks.get(index).status_code] == [404, 404]
    assert hooks.get().json() == {"data": []}


def test_endpoint_needs_calls_read(hooks: Hooks) -> None:
    made = hooks.add()
    hooks.key = hooks.service.new_key("webhooks:write")
    refused = [hooks.send(body={"url": URL}), hooks.send(f"/{made['id']}", {"url": URL + "/2"}, "PUT")]
    assert [slug(each) for each in refused] == ["forbidden"] * 2
    assert all("calls:read" in each.json()["detail"] for each in refused)
    assert hooks.get(f"/{made['id']}").json()["url"] == URL


def test_endpoint_numbers_are_masked_by_the_rights_of_its_key(hooks: Hooks) -> None:
    """Also if the tenant turns masking on later."""
    made, bench = hooks.add(), hooks.service.bench
    assert made["masks_numbers"] is False
    bench.run(bench.store.write(set_masking("acme", masks=True)))
    hooks.key = hooks.service.new_key("calls:read", "pii:read", "webhooks:write")
    assert hooks.get(f"/{made['id']}").json()["masks_numbers"] is True
    assert hooks.send(f"/{made['id']}", {"url": URL}, "PUT").json()["masks_numbers"] is False
    hooks.key = hooks.service.new_key("calls:read", "webhooks:write")
    assert hooks.send(f"/{made['id']}", {"url": URL}, "PUT").json()["masks_numbers"] is True
    refused = hooks.send(body={"url": URL, "agent": "desk-+14155550123"})
    assert slug(refused) == "forbidden"


def test_rotation_keeps_both_secrets_valid(hooks: Hooks) -> None:
    made = hooks.add()
    rotated = hooks.send(f"/{made['id']}/rotate", {"grace_hours": 2}).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"] == utc_text(NOW_US + 2 * 3600 * 1_000_000)
    assert hooks.send(f"/{made['id']}/rotate", {"grace_hours": 999}).status_code == 400


def test_pause_and_resume(hooks: Hooks) -> None:
    made = hooks.add()
    paused = hooks.send(f"/{made['id']}/pause").json()
    assert (paused["state"], paused["reason"]) == ("paused", "paused by request")
    resumed = hooks.send(f"/{made['id']}/resume").json()
    assert (resumed["state"], resumed["reason"]) == ("active", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": URL, "events": ["voice.call.exploded"]}, "events"),
        ({"url": URL, "form": "xml"}, "form"),
        ({"url": URL, "direction": "sideways"}, "direction"),
        ({"url": URL, "route": "two words"}, "route"),
        ({"url": URL, "agent": ""}, "agent"),
        ({"url": URL, "description": "two\nlines"}, "description"),
        ({"url": URL, "description": "two\u2028lines"}, "description"),
        ({"url": URL, "secret": "mine"}, "secret"),
        ({}, "url"),
    ],
)
def test_invalid_endpoint_names_the_field(hooks: Hooks, body: dict[str, Any], field: str) -> None:
    answer = hooks.send(body=body)
    assert (answer.status_code, slug(answer)) == (400, "invalid-body")
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [field]


def test_operator_can_allow_private_addresses(bench: Bench) -> None:
    hooks = Hooks(bench)
    object.__setattr__(hooks.service.deps, "outgoing", OutgoingClient(OutgoingPolicy(allow_http=True)))
    assert hooks.add(url="http://hooks.example.com/")["url"] == "http://hooks.example.com/"


def test_number_of_endpoints_is_limited(hooks: Hooks) -> None:
    for _ in range(50):
        hooks.add()
    assert slug(hooks.send(body={"url": URL})) == "conflict"


def test_key_without_the_scope_is_refused(hooks: Hooks) -> None:
    assert hooks.service.get(PATH).status_code == 403


def test_deliveries_are_listed_filtered_and_paged(hooks: Hooks) -> None:
    made = hooks.add()
    index = f"/{made['id']}/deliveries"
    hooks.service.report(SID, {"status": "ringing"})
    hooks.service.report("CA2", {"status": "busy"})
    [started, other] = hooks.jobs()
    hooks.settle(started, DELIVERED, 200)
    [second] = hooks.settle(other, DEAD, 500)
    assert second.event == "voice.call.completed"
    whole = hooks.get(index).json()
    assert (len(whole["data"]), whole["next"]) == (3, None)
    assert sorted(each["state"] for each in whole["data"]) == [DEAD, DELIVERED, WAITING]
    [dead] = hooks.get(index + "?state=dead").json()["data"]
    assert (dead["event"], dead["reason"], dead["next_attempt_at"]) == (
        "voice.call.started",
        "answered 500",
        None,
    )
    of_call = hooks.get(f"{index}?call_id={dead['call_id']}&event=voice.call.completed").json()["data"]
    assert [each["state"] for each in of_call] == [WAITING]
    pages: list[Any] = []
    before = ""
    while True:
        page = hooks.get(f"{index}?limit=1{before}").json()
        pages += page["data"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert pages == whole["data"]
    assert hooks.get(index + "?from=2030-01-01").json()["data"] == []
    assert len(hooks.get(index + "?from=0001-01-01&to=9999-12-31").json()["data"]) == 3
    assert hooks.get(index + "?to=1969-12-31").json()["data"] == []
    assert len(hooks.get(index + "?from=2020-01-01&to=2030-01-01").json()["data"]) == 3
    assert invalid_parameters(hooks.get(index + "?state=gone&before=x")) == ["state"]
    assert invalid_parameters(hooks.get(index + "?before=x")) == ["before"]


def test_delivery_shows_every_attempt_and_can_be_replayed(hooks: Hooks) -> None:
    made = hooks.add(events=["voice.call.started"])
    hooks.service.report(SID, {"status": "ringing"})
    [job] = hooks.jobs()
    hooks.settle(job, DEAD, 503)
    [listed] = hooks.get(f"/{made['id']}/deliveries").json()["data"]
    index = f"/{made['id']}/deliveries/{listed['id']}"
    detail = hooks.get(index).json()
    [attempt] = detail.pop("tries")
    assert detail == listed
    assert (attempt["status"], attempt["seconds"], attempt["answer"], attempt["answer_encoding"]) == (
        503,
        0.005,
        "//4=",
        "base64",
    )
    again = hooks.send(index + "/replay")
    assert (again.status_code, again.json()) == (202, {"replayed": 1})
    assert hooks.get(index).json()["state"] == WAITING
    assert [each.attempts for each in hooks.jobs()] == [1]
    for wrong in ("msg_nothing", "msg_" + made["id"], made["id"]):
        assert hooks.get(f"/{made['id']}/deliveries/{wrong}").status_code == 404


def test_window_or_its_dead_deliveries_are_replayed(hooks: Hooks) -> None:
    made = hooks.add(events=["voice.call.started"])
    for number in range(3):
        hooks.service.report(f"CA{number}", {"status": "ringing"})
    jobs = hooks.jobs()
    for job, state in zip(jobs, (DELIVERED, DEAD, DEAD), strict=True):
        hooks.settle(job, state, 200)
    index = f"/{made['id']}/replay"
    assert hooks.send(index, {"from": "2030-01-01"}).json() == {"replayed": 0}
    assert hooks.send(index, {"from": "2020-01-01", "only": "dead"}).json() == {"replayed": 2}
    assert hooks.send(index, {"from": "2020-01-01", "to": "2030-01-01"}).json() == {"replayed": 1}
    for body in (
        {"from": "x"},
        {"from": "2026-01-02", "to": "2026-01-01"},
        {"from": "2026-01-01", "only": "?"},
    ):
        assert slug(hooks.send(index, body)) == "invalid-body"


def test_a_test_event_goes_to_one_endpoint(hooks: Hooks) -> None:
    made = hooks.add(events=["voice.call.completed"], route="sales")
    hooks.add()
    answer = hooks.send(f"/{made['id']}/test")
    assert answer.status_code == 202
    endpoint = answer.json()
    assert (endpoint["event"], endpoint["call_id"], endpoint["state"], endpoint["tries"]) == (
        "voice.webhook.test",
        None,
        WAITING,
        [],
    )
    [job] = hooks.jobs()
    assert job.event == "voice.webhook.test"


def test_a_call_shows_its_deliveries(hooks: Hooks) -> None:
    hooks.add(events=["voice.call.completed"])
    hooks.service.report(SID, {"status": "busy"})
    [job] = hooks.jobs()
    hooks.settle(job, DELIVERED, 200)
    call = hooks.service.get(f"/api/v1/call-logs/{SID}").json()
    [delivery] = call["deliveries"]
    assert (delivery["event"], delivery["state"], delivery["attempts"], delivery["call_id"]) == (
        "voice.call.completed",
        DELIVERED,
        1,
        call["id"],
    )


def test_filters_apply_to_the_call_at_the_event(hooks: Hooks) -> None:
    hooks.add(direction="inbound", route="sales")
    hooks.service.report("CA1", {"status": "ringing", "direction": "inbound", "route": "sales"})
    hooks.service.report("CA2", {"status": "ringing", "direction": "outbound", "route": "sales"})
    hooks.service.report("CA3", {"status": "ringing", "direction": "inbound"})
    assert len(hooks.jobs()) == 1


def test_endpoint_of_another_tenant_is_not_found(hooks: Hooks) -> None:
    made = hooks.add()
    hooks.service.bench.add_tenant("other")
    other = hooks.service.new_key("calls:read", "webhooks:write", tenant="other")
    assert hooks.service.get(f"{PATH}/{made['id']}", other).status_code == 404
    for path in ("rotate", "pause", "resume", "test"):
        assert hooks.service.send(f"{PATH}/{made['id']}/{path}", {}, other).status_code == 404
    assert hooks.service.send(f"{PATH}/{made['id']}/replay", {"from": "2026-01-01"}, other).status_code == 404
    assert json.loads(hooks.service.get(PATH, other).content) == {"data": []}


def test_ids_start_with_their_time(hooks: Hooks) -> None:
    hooks.add()
    hooks.service.report(SID, {"status": "ringing"})
    [job] = hooks.jobs()
    assert int.from_bytes(job.event_id[:6], "big") == (NOW_US + 1_000_000) // 1000
