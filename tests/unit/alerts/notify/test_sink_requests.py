"""Requests of each kind of sink, from the start of an alert to its end."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from calltally.alerts.notify.notification import Notification
from calltally.alerts.notify.sink_kinds import check_settings, public_settings
from calltally.alerts.notify.sink_requests import (
    RESEND_US,
    alertmanager_request,
    build_mail,
    pagerduty_request,
    slack_request,
    webhook_request,
)
from calltally.calls.errors import InvalidInput
from calltally.calls.event_types import ALERT_CHANGES
from calltally.calls.times import SECOND_US, parse_instant
from calltally.web.openapi.event_schemas import envelope_schema, event_schemas

NOW_US = parse_instant("2026-11-02T09:50:00Z")


def notification(**other: Any) -> Notification:  # noqa: ANN401 (any of its fields)
    usual: dict[str, Any] = {
        "tenant": "acme",
        "id": "0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
        "what": "opened",
        "state": "open",
        "kind": "rate",
        "cause": "rate/route/support-de/no_answer_rate/up",
        "message": "No-answer on support-de: 41 % against 12 % expected (8 to 16 %), since 09:35, 212 calls",
        "route": "support-de",
        "provider": None,
        "since": "2026-11-02T09:35:00.000000Z",
        "opened_at": "2026-11-02T09:45:31.000000Z",
        "resolved_at": None,
        "calls_url": "https://calls.example.com/api/v1/call-logs?route=support-de&status=no-answer",
        "alert_url": "https://calls.example.com/api/v1/alerts/0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a",
        "at_us": parse_instant("2026-11-02T09:45:31Z"),
        "base_url": "https://calls.example.com",
        "facts": {"series": ["route", "support-de"], "metric": "no_answer_rate", "direction": "up"},
    }
    return Notification(**usual | other)


OVER = {"what": "resolved", "state": "resolved", "resolved_at": "2026-11-02T10:30:00.000000Z"}


def pager(**other: Any) -> dict[str, Any]:  # noqa: ANN401
    request = pagerduty_request(notification(**other), {"routing_key": "R" * 32}, NOW_US)
    assert request.url == "https://events.pagerduty.com/v2/enqueue"
    event: dict[str, Any] = json.loads(request.body)
    return event


def test_pagerduty_is_triggered_acknowledged_and_resolved_by_one_key() -> None:
    opened = pager()
    assert opened["event_action"] == "trigger"
    assert opened["payload"]["summary"].startswith("No-answer on support-de: 41 %")
    assert {"summary", "source", "severity"} <= opened["payload"].keys()
    assert opened["links"][0]["href"].startswith("https://calls.example.com/calls?")
    acknowledged = pager(what="acknowledged", state="acknowledged")
    assert acknowledged["event_action"] == "acknowledge"
    assert pager(**OVER)["event_action"] == "resolve"
    keys = {opened["dedup_key"], acknowledged["dedup_key"], pager(**OVER)["dedup_key"]}
    assert len(keys) == 1
    assert pager(what="reopened")["event_action"] == "trigger"
    assert pager(message="x" * 2000)["payload"]["summary"] == "x" * 1024


def test_alertmanager_labels_stay_the_same_until_the_end() -> None:
    settings = {"url": "http://127.0.0.1:9093/"}
    request = alertmanager_request(notification(), settings, NOW_US)
    assert request.url == "http://127.0.0.1:9093/api/v2/alerts"
    (opened,) = json.loads(request.body)
    (over,) = json.loads(alertmanager_request(notification(**OVER), settings, NOW_US).body)
    assert opened["labels"] == over["labels"]
    assert opened["labels"]["alertname"] == "CalltallyNoAnswerRate"
    assert "provider" not in opened["labels"]
    assert parse_instant(opened["endsAt"]) > NOW_US + RESEND_US
    assert over["endsAt"] == OVER["resolved_at"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"token": "t0ken"}, "Bearer t0ken"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
    ],
)
def test_alertmanager_credentials_become_an_authorization_header(
    settings: dict[str, str], expected: str | None
) -> None:
    request = alertmanager_request(notification(), {"url": "https://am.example", **settings}, NOW_US)
    assert request.headers.get("authorization") == expected


def _check_data(data: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Compare names, and the values with the words and the types of the schema."""
    assert list(data) == schema["required"] == list(schema["properties"])
    for name, of_field in schema["properties"].items():
        words = of_field.get("enum", [of_field.get("const", data[name])])
        assert data[name] in words, name
        kinds = of_field["type"] if isinstance(of_field["type"], list) else [of_field["type"]]
        kind = {str: "string", dict: "object", type(None): "null"}[type(data[name])]
        assert "const" in of_field or kind in kinds, name


HOOK = {"url": "https://a.example/x", "secret": "whsec_" + "A" * 43 + "="}


@pytest.mark.parametrize("what", ALERT_CHANGES)
def test_webhook_body_is_an_event_that_fits_its_schema(what: str) -> None:
    request = webhook_request(notification(what=what), HOOK, NOW_US)
    event = json.loads(request.body)
    schema = envelope_schema(f"voice.alert.{what}")
    assert list(event) == schema["required"]
    assert event["event"] == schema["properties"]["event"]["const"]
    _check_data(event["data"], schema["properties"]["data"])
    assert event["id"] == request.headers["webhook-id"]
    assert event["created_at"] == "2026-11-02T09:45:31.000000Z"
    assert (event["tenant_id"], event["data"]["what"]) == ("acme", what)


def test_webhook_can_be_a_cloud_event_with_an_absolute_schema_of_its_data() -> None:
    request = webhook_request(notification(), {**HOOK, "form": "cloudevents"}, NOW_US)
    event = json.loads(request.body)
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert event["dataschema"] == "https://calls.example.com/schemas/voice.alert.opened.data.json"
    path = event["dataschema"].removeprefix("https://calls.example.com")
    _check_data(event["data"], dict(event_schemas())[path])
    assert (event["type"], event["subject"]) == ("voice.alert.opened", event["data"]["id"])


def test_webhook_id_is_of_one_change() -> None:
    """A repeat has the same id, and a later opening of the same alert another one."""
    ids = [
        webhook_request(each, HOOK, now_us).headers["webhook-id"]
        for each, now_us in (
            (notification(), NOW_US),
            (notification(), NOW_US + SECOND_US),
            (notification(at_us=NOW_US), NOW_US),
            (notification(what="resolved"), NOW_US),
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_slack_text_is_escaped() -> None:
    request = slack_request(
        notification(message="No-answer on <!channel> & co"), {"url": "https://s.example"}, NOW_US
    )
    text = json.loads(request.body)["text"]
    assert text.startswith("No-answer on &lt;!channel&gt; &amp; co <https://calls.example.com/")
    assert text.endswith("|View calls>")
    assert json.loads(slack_request(notification(**OVER), {"url": "x"}, NOW_US).body)["text"].startswith(
        "Resolved: "
    )


def blocks(**other: Any) -> list[str]:  # noqa: ANN401
    """Return the texts of the blocks of a message to Slack."""
    found = json.loads(slack_request(notification(**other), {"url": "x"}, NOW_US).body)["blocks"]
    parts = [part for each in found for part in each.get("elements", [each.get("text")])]
    assert {part["type"] for part in parts} == {"mrkdwn"}
    assert [each["type"] for each in found] == ["section", "context", "section"][: len(found)]
    return [part["text"] for part in parts]


def test_slack_blocks_have_the_state_the_start_and_links_to_pages() -> None:
    headline, context, links = blocks()
    assert headline.startswith("*No-answer on support-de: 41 %")
    assert context == (
        "Firing · acme · route support-de"
        " · since <!date^1793612100^{date_short_pretty} {time}|2026-11-02 09:35 UTC>"
    )
    assert links == (
        "<https://calls.example.com/calls?route=support-de&amp;status=no-answer|View calls> · "
        "<https://calls.example.com/alerts/0b6f7f0a-5f57-8c1e-9a35-2f8f7d1c2b3a|View alert>"
    )
    assert blocks(**OVER)[1].startswith("Resolved · acme")
    assert "provider telnyx" in blocks(provider="telnyx")[1]


def test_slack_gets_no_links_that_lead_nowhere() -> None:
    """Without a public URL the links are relative."""
    relative = {"calls_url": "/api/v1/call-logs?route=x", "alert_url": "/api/v1/alerts/1"}
    assert len(blocks(**relative)) == 2
    text = json.loads(slack_request(notification(**relative), {"url": "x"}, NOW_US).body)["text"]
    assert "<" not in text


def test_slack_messages_fit_a_block() -> None:
    longest = max(map(len, blocks(message="&" * 4_000)))
    assert longest <= 3_000


def test_mail_subject_has_the_message_without_header_injection() -> None:
    settings = {"from": "calltally@acme.example", "to": ["ops@acme.example", "b@acme.example"]}
    mail = build_mail(notification(message="No-answer on a\r\nBcc: x@y.example"), settings, NOW_US)
    assert mail["Subject"] == "[acme] No-answer on a Bcc: x@y.example"
    assert mail["Bcc"] is None
    assert mail["To"] == "ops@acme.example, b@acme.example"
    assert "https://calls.example.com/calls?route=" in mail.get_content()
    again = build_mail(notification(**OVER), settings, NOW_US + SECOND_US)
    assert mail["References"] == again["References"]
    assert mail["Message-ID"] != again["Message-ID"]


def test_settings_are_checked_and_public_settings_have_no_secrets() -> None:
    settings = check_settings("webhook", {"url": "https://a.example/x"}, bytes(32))
    assert settings["secret"] == "whsec_" + "A" * 43 + "="
    assert public_settings("webhook", settings) == {"url": "https://a.example/x"}
    given = {"url": "https://a.example/x", "secret": settings["secret"]}
    assert check_settings("webhook", given, b"") == given
    with pytest.raises(InvalidInput, match="kind must be one of webhook"):
        check_settings("pigeon", {}, b"")
    with pytest.raises(InvalidInput, match="ASCII"):
        check_settings("slack", {"url": "https://a.example/ü"}, b"")
