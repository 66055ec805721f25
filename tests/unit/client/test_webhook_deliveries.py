"""Operations on the deliveries of an endpoint."""

import json
from datetime import UTC, date, datetime
from typing import Any

from calltally.client import webhook_deliveries as deliveries
from calltally.client.webhook_deliveries import DeliveryFilters, DeliveryRecord, DeliveryTry
from calltally.web.api.webhooks.operations import FILTERS
from calltally.web.api.webhooks.schemas import DeliveryAttempt, WebhookDeliveryDetail
from tests.unit.client.canned import Canned, good, in_sequence

DELIVERY: dict[str, Any] = {
    "id": "msg_1",
    "endpoint_id": "w-1",
    "event": "voice.call.completed",
    "state": "dead",
    "attempts": 1,
    "revision": 4,
    "created_at": "2026-10-01T09:32:31.204418Z",
    "updated_at": "2026-10-01T09:32:31.300000Z",
    "tries": [{"attempt": 1, "at": "2026-10-01T09:32:31.210000Z", "seconds": 0.09, "status": 503}],
}
PATH = "/api/v1/webhook-endpoints/w-1"


def test_fields_are_those_of_the_contract() -> None:
    assert set(DeliveryRecord.__struct_fields__) == set(WebhookDeliveryDetail.__struct_fields__)
    assert set(DeliveryTry.__struct_fields__) == set(DeliveryAttempt.__struct_fields__)
    names = {name.rstrip("_") for name in DeliveryFilters.__annotations__}
    assert names == {each.name for each in FILTERS} - {"limit", "before"}


def test_deliveries_are_listed_page_by_page() -> None:
    pages = [
        {"data": [DELIVERY], "limit": 1, "next": "msg_1"},
        {"data": [DELIVERY], "limit": 1, "next": None},
    ]
    canned = Canned(in_sequence(*map(good, pages)))
    options: Any = {"state": "dead", "from_": date(2026, 10, 1)}
    found = canned.all_of(deliveries.iter_deliveries(canned, "w-1", page_size=1, **options))
    assert [each.id for each in found] == ["msg_1", "msg_1"]
    filters = [("state", "dead"), ("from", "2026-10-01"), ("limit", "1")]
    assert [list(request.params) for request in canned.requests] == [filters, [*filters, ("before", "msg_1")]]


def test_one_delivery_has_its_attempts() -> None:
    canned = Canned(lambda _request: good(DELIVERY))
    found = canned.run(deliveries.get_delivery(canned, "w-1", "msg_1"))
    assert found.tries[0].status == 503
    assert canned.requests[0].path == f"{PATH}/deliveries/msg_1"


def test_requests_that_send_are_not_repeated() -> None:
    canned = Canned(in_sequence(good(DELIVERY), good({}), good({"replayed": 3})))
    canned.run(deliveries.test_webhook_endpoint(canned, "w-1"))
    canned.run(deliveries.replay_delivery(canned, "w-1", "msg_1"))
    since = datetime(2026, 10, 1, tzinfo=UTC)
    assert canned.run(deliveries.replay_deliveries(canned, "w-1", since, only="dead")) == 3
    assert not any(request.is_repeatable for request in canned.requests)
    assert [request.path for request in canned.requests] == [
        f"{PATH}/test",
        f"{PATH}/deliveries/msg_1/replay",
        f"{PATH}/replay",
    ]
    assert json.loads(canned.requests[2].body or b"") == {
        "from": "2026-10-01T00:00:00.000000Z",
        "only": "dead",
    }
