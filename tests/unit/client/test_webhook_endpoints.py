"""Operations on webhook endpoints."""

import json
from typing import Any

import pytest

from calltally.calls.event_types import SUBSCRIBABLE
from calltally.client import webhook_endpoints as endpoints
from calltally.client.errors import UnknownArgument
from calltally.client.webhook_endpoints import EndpointFields, EndpointRecord
from calltally.web.api.webhooks.schemas import CreatedWebhookEndpoint, EndpointBody
from tests.unit.client.canned import Canned, good

ENDPOINT: dict[str, Any] = {
    "id": "w-1",
    "url": "https://hooks.example.com",
    "state": "active",
    "created_at": "2026-10-01T09:00:00.000000Z",
    "updated_at": "2026-10-01T09:00:00.000000Z",
    "something_new": 1,
}
SECRET = {**ENDPOINT, "secret": "whsec_that-nobody-may-see"}


def test_fields_are_those_of_the_contract() -> None:
    assert {"url", *EndpointFields.__annotations__} == set(EndpointBody.__struct_fields__)
    assert {*EndpointRecord.__struct_fields__, "secret"} == set(CreatedWebhookEndpoint.__struct_fields__)


def test_new_endpoint_has_a_secret_that_its_representation_hides() -> None:
    canned = Canned(lambda _request: good(SECRET))
    options: Any = {"events": [SUBSCRIBABLE[0]], "route": "sales", "agent": None}
    added = canned.run(endpoints.add_webhook_endpoint(canned, ENDPOINT["url"], **options))
    rotated = canned.run(endpoints.rotate_webhook_secret(canned, "w-1", grace_hours=0))
    assert added.secret == rotated.secret == SECRET["secret"]
    assert "nobody" not in repr(added)
    first, second = canned.requests
    assert json.loads(first.body or b"") == {
        "url": ENDPOINT["url"],
        "events": [SUBSCRIBABLE[0]],
        "route": "sales",
    }
    assert (second.path, second.body) == ("/api/v1/webhook-endpoints/w-1/rotate", b'{"grace_hours":0}')
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_endpoints_are_read_changed_and_deleted() -> None:
    canned = Canned(lambda request: good({"data": [ENDPOINT]} if request.path.endswith("points") else SECRET))
    assert [each.id for each in canned.run(endpoints.list_webhook_endpoints(canned))] == ["w-1"]
    assert canned.run(endpoints.get_webhook_endpoint(canned, "w-1")).state == "active"
    canned.run(endpoints.set_webhook_endpoint(canned, "w-1", "https://b.example.com", form="cloudevents"))
    canned.run(endpoints.pause_webhook_endpoint(canned, "w-1"))
    canned.run(endpoints.resume_webhook_endpoint(canned, "w-1"))
    canned.run(endpoints.delete_webhook_endpoint(canned, "w-1"))
    assert all(request.is_repeatable for request in canned.requests)
    assert [(each.method, each.path.rpartition("/")[2]) for each in canned.requests[2:]] == [
        ("PUT", "w-1"),
        ("POST", "pause"),
        ("POST", "resume"),
        ("DELETE", "w-1"),
    ]


def test_unknown_setting_is_refused() -> None:
    canned = Canned(lambda _request: good(SECRET))
    wrong: Any = {"rout": "sales"}
    with pytest.raises(UnknownArgument, match="rout"):
        canned.run(endpoints.add_webhook_endpoint(canned, "https://a.example.com", **wrong))
