"""Stages of the callback pipeline without a store: signature, parsing, dead letters."""

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from calltally.calls.errors import DamagedStore, NotUnderstood
from calltally.calls.events import Fact
from calltally.ingest.callbacks import (
    MAX_REASON_CHARS,
    UnparsedBody,
    has_unknown_end,
    is_genuine,
    read_facts,
    read_letter,
    write_letter,
)
from calltally.providers.callback import Callback
from calltally.providers.provider import Provider, ProviderKind, Webhook
from calltally.store.tenants.dead_letters import DeadLetter
from tests.sample_facts import fact

CALLBACK = Callback(
    method="POST",
    url="https://calls.example.com/api/v1/ingest/toy/acme",
    headers={"content-type": "text/plain", "x-toy": "s3cret", "authorization": "Bearer let-me-in"},
    body=b"\xff\x00",
    received_us=1,
)


def verify(callback: Callback, secrets: Mapping[str, str]) -> bool:
    return callback.headers["x-toy"] in secrets.values()


def toy(error: Exception | None = None) -> Provider:
    def facts_of(_callback: Callback) -> list[Fact]:
        if error is not None:
            raise error
        return []

    return Provider("toy", ProviderKind.CARRIER, ("token",), ("token",), Webhook(verify, facts_of))


@pytest.mark.parametrize(
    ("secrets", "genuine"), [({"token": "s3cret"}, True), ({"token": "other"}, False), ({}, False)]
)
def test_only_stored_secret_is_accepted(secrets: dict[str, str], *, genuine: bool) -> None:
    assert is_genuine(toy(), CALLBACK, secrets) is genuine


def test_missing_secret_takes_same_work_and_is_refused() -> None:
    used_secrets: list[Mapping[str, str]] = []

    def believe(_callback: Callback, secrets: Mapping[str, str]) -> bool:
        used_secrets.append(secrets)
        return True

    assert not is_genuine(toy()._replace(webhook=Webhook(believe, lambda _: [])), CALLBACK, {})
    assert list(used_secrets[0]) == ["token"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotUnderstood("CallStatus 'parked' is unknown"), "CallStatus 'parked' is unknown"),
        (KeyError("CallSid"), "internal error: KeyError: 'CallSid'"),
    ],
)
def test_parse_error_is_returned_with_reason(error: Exception, reason: str) -> None:
    assert read_facts(toy(error), CALLBACK) == UnparsedBody(reason)
    assert read_facts(toy(), CALLBACK) == []


def test_error_of_a_parser_is_logged_with_its_traceback() -> None:
    with capture_logs() as logs:
        read_facts(toy(NotUnderstood("CallStatus 'parked' is unknown")), CALLBACK)
        read_facts(toy(KeyError("CallSid")), CALLBACK)
    [entry] = logs
    assert (entry["log_level"], entry["provider"], entry["exc_info"]) == ("error", "toy", True)
    assert entry["event"] == "a callback could not be read; it is a dead letter"


def test_letter_stores_request_without_credentials() -> None:
    letter = write_letter("toy", CALLBACK, "why")
    back = read_letter(letter)
    assert back.headers == {"content-type": "text/plain", "x-toy": "s3cret"}
    assert (back.method, back.url, back.body, back.received_us) == ("POST", CALLBACK.url, b"\xff\x00", 1)


def test_letter_id_depends_on_content() -> None:
    first = write_letter("toy", CALLBACK, "why")
    again = Callback("POST", CALLBACK.url, {"content-type": "text/plain"}, CALLBACK.body, 2)
    other = Callback("POST", CALLBACK.url, CALLBACK.headers, b"", 1)
    assert write_letter("toy", again, "why else").letter_id == first.letter_id
    assert write_letter("toy", other, "why").letter_id != first.letter_id


def test_reason_is_storable_in_databases() -> None:
    assert write_letter("toy", CALLBACK, "a\0b\ud800").reason == "a\\0b\\ud800"
    assert len(write_letter("toy", CALLBACK, "x" * 9_999).reason) == MAX_REASON_CHARS


def test_damaged_letter_is_named_in_error() -> None:
    with pytest.raises(DamagedStore, match="0a0b"):
        read_letter(DeadLetter(b"\n\x0b", "toy", 1, "why", b"\xc1", 0))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"end_reason": "user_busy"}, False),
        ({"end_reason": "normal_clearing"}, False),
        ({"end_reason": "ORIGINATOR_CANCEL"}, False),
        ({"end_reason": "voicemail"}, False),
        ({"end_reason": "busy", "end_word": "customer-busy"}, False),
        ({"end_word": "eaten-by-a-grue"}, True),
        ({"end_reason": "eaten-by-a-grue"}, True),
    ],
)
def test_unknown_end_word_is_counted(fields: dict[str, str], *, expected: bool) -> None:
    assert has_unknown_end(fact(1, **fields)) is expected  # type: ignore[arg-type] # names of what is said
