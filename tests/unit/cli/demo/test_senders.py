"""Signatures of the demonstration's providers, checked by the vendors' own SDKs."""

from typing import Final

import pytest
from twilio.request_validator import RequestValidator
from vonage_jwt.verify_jwt import verify_signature

from calltally.calls.times import DAY_US, parse_instant
from calltally.cli.demo.senders import new_senders
from calltally.ingest.sample.traffic import calls_between, messages_of, plan_of
from calltally.providers import callback as received
from calltally.providers.registry import WEBHOOKS
from tests.single_modules import load_alone

NOW_US: Final = parse_instant("2026-08-22T08:00:00Z")
URL: Final = "http://127.0.0.1:8080/api/v1/ingest/x/demo"
SENDERS: Final = new_senders()
MESSAGES: Final = {
    message.provider: message
    for call in calls_between(plan_of(1, NOW_US, NOW_US), NOW_US - DAY_US, NOW_US)
    for message in messages_of(call)
    if message.provider
}


def test_each_provider_of_the_sample_has_a_sender_and_new_secrets_each_time() -> None:
    assert set(SENDERS) == set(MESSAGES)
    again = new_senders()
    assert all(again[name].secret != sender.secret for name, sender in SENDERS.items())


@pytest.mark.parametrize("name", sorted(SENDERS))
def test_what_is_sent_is_taken_by_what_is_stored_and_by_no_other(name: str) -> None:
    body, headers = SENDERS[name].signed(MESSAGES[name], URL, NOW_US)
    request = received.Callback("POST", URL, headers, body, NOW_US)
    verify = WEBHOOKS[name].verify
    assert verify(request, SENDERS[name].stored)
    assert not verify(request, new_senders()[name].stored)


def test_twilios_own_validator_takes_it() -> None:
    message, sender = MESSAGES["twilio"], SENDERS["twilio"]
    _body, headers = sender.signed(message, URL, NOW_US)
    assert message.is_form
    assert RequestValidator(sender.secret).validate(URL, dict(message.content), headers["x-twilio-signature"])


def test_vonages_own_package_takes_it() -> None:
    _body, headers = SENDERS["vonage"].signed(MESSAGES["vonage"], URL, NOW_US)
    assert verify_signature(headers["authorization"].removeprefix("Bearer "), SENDERS["vonage"].secret)


def test_retells_own_sdk_takes_it() -> None:
    body, headers = SENDERS["retell"].signed(MESSAGES["retell"], URL, NOW_US)
    at = {"timestamp": NOW_US // 1_000}
    symmetric = load_alone("retell", "lib.webhook_auth").symmetric
    assert symmetric["verify"](body.decode(), SENDERS["retell"].secret, headers["x-retell-signature"], at)
