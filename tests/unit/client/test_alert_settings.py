"""Operations on alert rules and sinks."""

import json
from typing import Any

import pytest

from calltally.alerts.model.rules import Rules
from calltally.alerts.notify.sink_kinds import KINDS
from calltally.client import alert_settings
from calltally.client.alert_settings import AlertRules, SinkRecord, SinkTest
from calltally.client.errors import UnknownArgument
from calltally.web.api.alerts.schemas import CreatedAlertSink, SinkTestResult
from tests.unit.client.canned import Canned, good, in_sequence

SINK: dict[str, Any] = {
    "id": "s-1",
    "kind": "webhook",
    "name": "our own",
    "settings": {"url": "https://alerts.example.com"},
    "created_at": "2026-11-02T09:30:00.000000Z",
    "updated_at": "2026-11-02T09:30:00.000000Z",
    "secret": "whsec_that-nobody-may-see",
    "something_new": 1,
}


def test_fields_are_those_of_the_contract() -> None:
    assert set(AlertRules.__annotations__) == set(Rules.__struct_fields__)
    assert {*SinkRecord.__struct_fields__, "secret"} == set(CreatedAlertSink.__struct_fields__)
    assert SinkTest.__struct_fields__ == SinkTestResult.__struct_fields__


def test_one_rule_is_changed_and_the_others_stay() -> None:
    rules: Any = {"tz": "Europe/Berlin", "holidays": ["2026-12-25"]}
    canned = Canned(in_sequence(good(rules), good({**rules, "least_calls": 50})))
    found = canned.run(alert_settings.get_alert_rules(canned))
    changed = canned.run(alert_settings.put_alert_rules(canned, {**found, "least_calls": 50}))
    assert changed["least_calls"] == 50
    assert json.loads(canned.requests[1].body or b"") == {**rules, "least_calls": 50}


def test_unknown_rule_is_refused() -> None:
    canned = Canned(in_sequence())
    wrong: Any = {"least_call": 5}
    with pytest.raises(UnknownArgument, match="least_call"):
        canned.run(alert_settings.put_alert_rules(canned, wrong))


@pytest.mark.parametrize("kind", KINDS)
def test_sink_of_each_kind_is_added(kind: Any) -> None:  # noqa: ANN401 (one of the literal)
    canned = Canned(lambda _request: good(SINK))
    settings = {"url": "https://alerts.example.com"}
    added = canned.run(alert_settings.add_alert_sink(canned, kind, name="our own", settings=settings))
    assert (added.secret, "nobody" in repr(added)) == (SINK["secret"], False)
    [request] = canned.requests
    assert json.loads(request.body or b"") == {"kind": kind, "name": "our own", "settings": settings}
    assert request.headers["idempotency-key"]


def test_sinks_are_read_changed_tested_and_deleted() -> None:
    answers = [{"data": [SINK]}, SINK, SINK, {"told": False, "fault": "it answered 404"}, {}]
    canned = Canned(in_sequence(*map(good, answers)))
    assert [each.name for each in canned.run(alert_settings.list_alert_sinks(canned))] == ["our own"]
    assert canned.run(alert_settings.get_alert_sink(canned, "s-1")).kind == "webhook"
    canned.run(alert_settings.put_alert_sink(canned, "s-1", "slack", name="a", settings={}))
    assert canned.run(alert_settings.test_alert_sink(canned, "s-1")).fault == "it answered 404"
    canned.run(alert_settings.delete_alert_sink(canned, "s-1"))
    assert [(each.method, each.is_repeatable) for each in canned.requests] == [
        ("GET", True),
        ("GET", True),
        ("PUT", True),
        ("POST", False),
        ("DELETE", True),
    ]
