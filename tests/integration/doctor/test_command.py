"""`calltally doctor`, as an operator and a timer run it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from calltally.doctor.checks import CHECKS
from tests.integration.test_cli import Commands, empty, run

__all__ = ["empty", "run"]


class _Clock(BaseHTTPRequestHandler):
    """An API that answers with the Date of another year."""

    def do_GET(self) -> None:
        self.send_response_only(404)
        if self.path == "/":
            self.send_header("Date", "Wed, 01 Oct 2025 09:30:00 GMT")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextmanager
def clock_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Clock) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def healthy(run: Commands) -> Commands:
    Path("var/calltally.db").chmod(0o600)
    return run


def test_a_healthy_installation_has_no_finding(healthy: Commands) -> None:
    done = healthy("doctor")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Without findings: schema, secrets, writes, workers, clock,")
    assert " on SQLite: 0 findings. It has " in done.out
    report = healthy("doctor", "--json").json
    assert (report["findings"], report["passed"]) == ([], list(CHECKS))
    assert not Path("var/secret.key").exists()


def test_a_finding_is_printed_with_its_remedy(healthy: Commands) -> None:
    Path("var/calltally.db").chmod(0o640)
    done = healthy("doctor")
    assert done.code == 1
    assert done.out.startswith(
        "file modes:\n  Other users of this machine can use var/calltally.db (mode 640).\n"
    )
    assert "  Run `chmod go= var/calltally.db` as its owner.\n" in done.out
    found, *_of_its_log = healthy("doctor", "--json").json["findings"]
    assert set(found) == {"check", "what", "why", "remedy"}


def test_an_old_schema_is_a_finding(empty: Commands) -> None:
    Path("var").mkdir()
    Path("var/calltally.db").touch(mode=0o600)
    done = empty("doctor")
    assert done.code == 1
    assert done.out.startswith(
        "schema:\n  The database does not fit this version: the database has no tables"
    )


def test_the_clock_of_a_provider_is_compared_where_it_is_wanted(
    healthy: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock_server() as url:
        monkeypatch.setenv("CALLTALLY_TWILIO_API_URL", url)
        monkeypatch.setenv("CALLTALLY_VONAGE_API_URL", f"{url}/none")
        [found] = healthy("doctor", "--clock-of", "twilio", "--json").json["findings"]
        assert (found["check"], found["what"].endswith(" s ahead of twilio.")) == ("clock", True)
        assert (
            f"the API of vonage at {url}/none gives no time" in healthy("doctor", "--clock-of", "vonage").err
        )
    unknown = healthy("doctor", "--clock-of", "nobody")
    assert (unknown.code, "no API address of 'nobody' is set" in unknown.err) == (2, True)
