"""Content of log lines: redaction, formats and foreign loggers."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from calltally.logs import RequestLine, log_request, redact, redact_text, set_up_logs

KEY = "ct_acme-1_" + "aB3_-" * 8 + "xyz"


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    set_up_logs("json", "warning")


TEXTS = [
    ("call from +14155550142 ended", "call from +…42 ended"),
    ("GET /?number=%2B14155550142", "GET /?number=+…42"),
    ("+1 (415) 555-0142", "+…42"),
    (f"Bearer {KEY}", "Bearer [hidden]"),
    ("postgresql://ann:pw@db/x", "postgresql://ann:[hidden]@db/x"),
    ("https://db:8080/x", "https://db:8080/x"),
    ("CA0123456789 at 2026-10-01T00:00:00+02:00", "CA0123456789 at 2026-10-01T00:00:00+02:00"),
]


@pytest.mark.parametrize(("text", "redacted"), TEXTS)
def test_secrets_and_numbers_are_redacted_by_format(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


def test_secrets_are_redacted_by_name_at_any_depth() -> None:
    event = {
        "event": "put",
        "auth_token": "a",
        "headers": {"Authorization": "b", "x-admin-key": "c", "x-request-id": "d"},
        "numbers": ["+14155550142", 5, None],
        "took_us": 14155550142,
        "api_key": None,
    }
    assert redact(None, "info", event) == {
        "event": "put",
        "auth_token": "[hidden]",
        "headers": {"Authorization": "[hidden]", "x-admin-key": "[hidden]", "x-request-id": "d"},
        "numbers": ["+…42", 5, None],
        "took_us": 14155550142,
        "api_key": None,
    }


def test_json_lines_of_our_and_other_loggers(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "info")
    structlog.get_logger("calltally.x").info("started", request_id="r1", number="+14155550142")
    logging.getLogger("library").warning("calling %s", "+14155550142")
    structlog.get_logger("calltally.x").debug("not shown")
    ours, others = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert ours.pop("at").endswith("Z")
    assert ours == {
        "event": "started",
        "request_id": "r1",
        "number": "+…42",
        "logger": "calltally.x",
        "level": "info",
    }
    assert (others["event"], others["level"], others["logger"]) == ("calling +…42", "warning", "library")


@pytest.mark.parametrize("form", ["json", "console"])
def test_exception_text_is_redacted(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("console" if form == "console" else "json", "debug")
    try:
        int(KEY)
    except ValueError:
        structlog.get_logger("calltally.x").exception("failed")
    line = capsys.readouterr().err
    assert "ValueError: invalid literal for int() with base 10: '[hidden]'" in line
    assert KEY not in line


def test_http_client_does_not_log_request_urls(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "debug")
    logging.getLogger("httpx2").info("GET https://provider.example/Calls/CA0123456789.json")
    assert capsys.readouterr().err == ""


def test_lines_into_a_pipe_have_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("console", "info")
    structlog.get_logger("a").warning("disk full")
    assert "\x1b" not in capsys.readouterr().err


def request_line() -> RequestLine:
    return RequestLine("GET", "/api/v1/call-logs", 200, 0.25, 1234, "r1", tenant="acme")


def test_request_is_one_line_of_json_without_the_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "info")
    log_request(request_line())
    line = json.loads(capsys.readouterr().err)
    assert line.pop("at").endswith("Z")
    assert line == {
        "method": "GET",
        "route": "/api/v1/call-logs",
        "status": 200,
        "duration_ms": 0.25,
        "sent_bytes": 1234,
        "request_id": "r1",
        "tenant": "acme",
        "level": "info",
        "event": "request",
        "logger": "calltally.requests",
    }


def test_request_is_one_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("console", "info")
    log_request(request_line())
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "request " in line
    assert "duration_ms=0.25" in line
    assert "tenant=acme" in line
    assert "key=" not in line


def test_requests_are_not_logged_above_their_level(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "warning")
    log_request(request_line())
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_written_fails_no_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with suppress(OSError), Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr("sys.stderr", full)
        set_up_logs("json", "info")
        log_request(request_line())
        monkeypatch.undo()
    assert capsys.readouterr().err == ""
