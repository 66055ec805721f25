"""`calltally quality`: its output equals the API's in every format and zone."""

import csv
import io
import json
from typing import Self

import pytest
from typer.testing import CliRunner

from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.times import SECOND_US, parse_instant
from calltally.cli.main import app
from calltally.cli.quality import command
from calltally.client.wire import Answer, Request
from tests.conftest import Bench
from tests.integration.store.probing import direct, submit
from tests.integration.web.service import Service
from tests.sample_facts import START_US, fact

PATH = "/api/v1/analytics/launch-quality"
WINDOW = ("--from", "2026-09-21", "--to", "2026-09-22")
QUERY = "from=2026-09-21&to=2026-09-22"


@pytest.fixture
def filled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    monkeypatch.delenv("CALLTALLY_BASE_URL", raising=False)
    calls = [fact(n, f"done-{n}", status="completed", talk_seconds=30, route="sales") for n in range(3)]
    submit(bench, *calls, fact(5, "lost", status="failed", sip_code=503, route="sales"))
    submit(bench, fact(6, "open", status="ringing", route="support"))
    return bench


def run(*words: str, width: int = 80) -> str:
    done = CliRunner().invoke(app, ["quality", *words], env={"COLUMNS": str(width)}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    "more", ["", "&group_by=route", "&group_by=route,hour&tz=Europe/Berlin&compare=previous"]
)
def test_json_and_csv_equal_the_api_responses(filled: Bench, service: Service, more: str) -> None:
    words = [word for pair in more.split("&")[1:] for word in _option(pair)]
    body = service.get(f"{PATH}?{QUERY}{more}").json()
    assert json.loads(run(*WINDOW, *words, "--tenant", "acme", "--format", "json")) == body
    printed = run(*WINDOW, *words, "--format", "csv")
    response_text = service.get(f"{PATH}?{QUERY}{more}&format=csv").text
    assert printed.split() == response_text.split()
    assert filled.url


def _option(pair: str) -> list[str]:
    name, _, value = pair.partition("=")
    return [f"--{name.replace('_', '-')}", value]


def test_each_group_is_a_line_within_the_terminal_width(filled: Bench) -> None:
    narrow = run(*WINDOW, "--group-by", "route").splitlines()
    assert narrow[2].split() == ["route", "calls", "open", "answer", "failure", "no", "answer"]
    assert narrow[3] == "sales        4     0  ~75.0 % (30-95)  ~25.0 % (4.6-70)  ~0.0 % (0.0-49)"
    assert narrow[4].split() == ["support", "1", "1", "-", "-", "-"]
    assert narrow[5].startswith("all")
    assert max(map(len, narrow)) <= 80
    assert "transfer" in run(*WINDOW, "--group-by", "route", width=140).splitlines()[2]
    named = run(*WINDOW, "--group-by", "route", "--rate", "busy_rate").splitlines()
    assert named[2].split() == ["route", "calls", "open", "busy"]
    assert filled.url


def test_all_calls_have_every_metric_with_its_comparison(filled: Bench) -> None:
    lines = run(*WINDOW, "--compare", "2026-09-20..2026-09-21").splitlines()
    assert lines[1] == "Against    2026-09-20 00:00 to 2026-09-21 00:00 UTC"
    cells = {line.split("  ")[0]: line.split() for line in lines if line}
    assert cells["provider failure"][-5:] == ["%", "(4.6-70)", "1/4", "-", "-"]
    assert cells["attempts"] == ["attempts", "5", "0"]
    assert cells["talk"] == ["talk", "3", "30.0", "30.0", "30.0", "30.0"]
    assert filled.url


def test_repeated_hour_of_a_clock_change_is_two_rows(filled: Bench) -> None:
    for at in (
        "2020-11-01T05:30:00Z",
        "2020-11-01T06:30:00Z",
        "2020-11-01T06:45:00Z",
        "2026-03-29T01:10:00Z",
    ):
        submit(filled, fact((parse_instant(at) - START_US) / SECOND_US, at, status="busy"))
    montreal = ("--from", "2020-11-01T00:00:00-04:00", "--to", "2020-11-02T00:00:00-05:00")
    hours = run(*montreal, "--tz", "America/Montreal", "--group-by", "hour").splitlines()[3:]
    counted = {line[:23]: int(line[23:].split()[0]) for line in hours if line.startswith("2020")}
    assert len(counted) == 25
    twice = {name: count for name, count in counted.items() if " 01:00 " in name}
    assert twice == {"2020-11-01 01:00 -04:00": 1, "2020-11-01 01:00 -05:00": 2}
    berlin = (
        "--from",
        "2026-03-29T00:00:00+01:00",
        "--to",
        "2026-03-30T00:00:00+02:00",
        "--tz",
        "Europe/Berlin",
    )
    leapt = run(*berlin, "--group-by", "hour")
    assert leapt.count("2026-03-29 ") == 23 + 1
    assert "2026-03-29 03:00 +02:00      1" in leapt
    assert "2026-03-29 02:00" not in leapt
    rows = list(csv.DictReader(io.StringIO(run(*berlin, "--group-by", "day", "--format", "csv"))))
    assert [(row["day"], row["busy"]) for row in rows] == [("2026-03-29", "1")]


class Served:
    """Replaces the network client: sends requests to the test's application."""

    requests: list[Request]

    def __init__(self, service: Service) -> None:
        self.service = service
        self.requests = []

    def __call__(self, base_url: str, key: str) -> Self:
        assert (base_url, key) == ("http://calls.example", "secret")
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        pass

    def send(self, request: Request) -> Answer:
        self.requests.append(request)
        query = "&".join(f"{name}={value}" for name, value in request.params)
        return Answer(200, {}, self.service.get(f"{request.path}?{query}").content)


def test_remote_server_gives_the_same_output(
    filled: Bench, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run(*WINDOW, "--group-by", "route")
    served = Served(service)
    monkeypatch.setattr(command, "Client", served)
    there = run(*WINDOW, "--group-by", "route", "--base-url", "http://calls.example", "--key", "secret")
    assert there == here
    (request,) = served.requests
    assert ("percentiles", "false") in request.params
    assert filled.url


WRONG: list[tuple[tuple[str, ...], type[Exception]]] = [
    (("--format", "xml"), InvalidInput),
    (("--rate", "luck"), InvalidInput),
    (("--group-by", "rout"), InvalidInput),
    (("--base-url", "http://calls.example"), InvalidInput),
    (("--tenant", "nobody"), NotFound),
]


@pytest.mark.parametrize(("words", "error"), WRONG)
def test_invalid_query_is_refused_with_reason(
    filled: Bench, words: tuple[str, ...], error: type[Exception]
) -> None:
    done = CliRunner().invoke(app, ["quality", *words], env={"CALLTALLY_API_KEY": ""})
    assert isinstance(done.exception, error), done.output
    assert filled.url


def test_no_calls_are_reported_in_a_line(filled: Bench) -> None:
    output = run("--from", "2020-01-01", "--to", "2020-01-02", "--group-by", "route")
    assert "\nNo calls.\n" in output
    assert filled.url


def test_unmeasured_calls_are_reported(filled: Bench) -> None:
    with direct(filled.url) as db:
        db("UPDATE calls SET measured = NULL")
    assert run(*WINDOW).endswith("5 calls are not included yet; run `calltally migrate`\n")
