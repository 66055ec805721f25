"""Transfers of a tenant whose sources cannot report them: quality, its page, its command and alerts agree."""

import json
import re
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from calltally.alerts.detection.signals import METRICS, trials_of
from calltally.alerts.model.series import Metric
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.cli.main import app
from calltally.store.rollups.alert_steps import step_sums
from calltally.web.dashboard.formats import DASH
from tests.conftest import Bench
from tests.integration.store.probing import submit, verdict
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import Service
from tests.sample_facts import START_US, fact

WINDOW = "from=2026-09-21&to=2026-09-22"
START_S = START_US // SECOND_US
ANSWERED: dict[str, Any] = {"status": "completed", "talk_seconds": 30}
BRIDGED: dict[str, Any] = {"transfer": {"target": None, "outcome": "bridged"}}
MAILBOX: dict[str, Any] = {**ANSWERED, "answered_by": "machine_start"}


@pytest.fixture
def browser(service: Service) -> Browser:
    """Return a browser without a session."""
    return Browser(service)


def carrier_calls() -> list[Fact]:
    """Return calls of a carrier alone: plain, with a leg that it bridged, and with a mailbox."""
    kinds = [ANSWERED, {**ANSWERED, **BRIDGED}, MAILBOX, {"status": "busy"}]
    return [fact(n, f"CA{n}", **kinds[n % 4]) for n in range(16)]


def platform_calls() -> list[Fact]:
    reports = [{**ANSWERED, **BRIDGED}, ANSWERED, ANSWERED]
    calls = [fact(n, f"CA{n + 20}", **ANSWERED) for n in range(3)]
    return [
        *calls,
        *(
            fact(n, f"CA{n + 20}", is_carrier=False, provider="vapi", **stated)
            for n, stated in enumerate(reports)
        ),
    ]


def transfer_rates(bench: Bench, service: Service) -> list[tuple[int, int]]:
    """Return the transferred and known calls, of quality and of the alerts' detectors."""
    body = service.get(f"/api/v1/analytics/launch-quality?{WINDOW}").json()
    rate = body["total"]["rates"]["transfer_rate"]
    sums = bench.run(bench.store.read(step_sums("acme", START_S - 3_600, START_S + 3_600)))
    counts = np.array([[sum(column) for column in zip(*(each[1:] for each in sums.values()), strict=True)]])
    trials, at = trials_of(counts), METRICS.index(Metric.TRANSFER_RATE)
    return [
        (rate["numerator"], rate["denominator"]),
        (int(trials.events[at, 0]), int(trials.calls[at, 0])),
    ]


def test_a_carrier_alone_knows_neither_transfers_nor_containment(
    bench: Bench, service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(bench, *carrier_calls())
    assert transfer_rates(bench, service) == [(0, 0), (0, 0)]
    found = service.get(f"/api/v1/analytics/launch-quality?{WINDOW}").json()["total"]["rates"]
    unknown = ("transfer_rate", "escalation_rate", "containment_rate")
    assert [found[name]["value"] for name in unknown] == [None] * 3
    assert (found["machine_answer_rate"]["numerator"], found["machine_answer_rate"]["denominator"]) == (4, 4)
    browser.sign_in()
    rates = "".join(f"&rate={name}" for name in unknown)
    page = browser.get(f"/quality?{WINDOW}{rates}").text
    assert len(re.findall(f"<b>{DASH}</b>", page)) >= len(unknown)
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    monkeypatch.delenv("CALLTALLY_BASE_URL", raising=False)
    words = ["quality", "--from", "2026-09-21", "--to", "2026-09-22", "--tenant", "acme", "--format", "json"]
    printed = CliRunner().invoke(app, words, catch_exceptions=False).output
    assert json.loads(printed)["total"]["rates"]["transfer_rate"]["value"] is None
    assert verdict(bench).findings == []


def test_calls_of_platforms_count_alone_beside_those_of_a_carrier(bench: Bench, service: Service) -> None:
    submit(bench, *carrier_calls(), *platform_calls())
    assert transfer_rates(bench, service) == [(1, 3), (1, 3)]
    assert verdict(bench).findings == []
