"""Launch view over HTTP: with the predecessor, another baseline, and none."""

from typing import Any

import pytest

from tests.conftest import Bench
from tests.integration.store.probing import submit
from tests.integration.web.service import Service, invalid_parameters, slug
from tests.sample_facts import fact

PATH = "/api/v1/analytics/launch"
DAY_S = 86_400
FAILED: dict[str, Any] = {"status": "failed"}
ANSWERED: dict[str, Any] = {"status": "completed", "talk_seconds": 20}
LAUNCHED = "since=2026-09-21T13:00:00Z&to=2026-09-22T13:00:00Z"


def calls(bench: Bench, agent: str, day: int, failed_of_ten: int, route: str = "sales") -> None:
    """Record sixty calls in an hour of a day after the launch."""
    facts = [
        fact(
            day * DAY_S + n * 60,
            f"{agent}-{day}-{n}",
            agent=agent,
            route=route,
            **(
                {"status": "failed"}
                if n % 10 < failed_of_ten
                else {"status": "completed", "talk_seconds": 20}
            ),
        )
        for n in range(60)
    ]
    submit(bench, *facts)


@pytest.fixture
def launched(bench: Bench) -> Bench:
    """Return a store with a new agent version that fails far more often than the previous one."""
    for day in range(-6, 0):
        calls(bench, "vera-1", day, 1)
    calls(bench, "otto", -1, 0)
    calls(bench, "vera-2", 0, 8)
    return bench


def view(service: Service, query: str) -> Any:  # noqa: ANN401 (JSON)
    answer = service.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("launched")
def test_agent_is_compared_with_its_predecessor_by_hour(service: Service) -> None:
    body = view(service, f"agent=vera-2&{LAUNCHED}")
    assert (body["launch"]["name"], body["baseline"]["name"]) == ("vera-2", "vera-1")
    assert body["verdict"] == "worse"
    failure = body["evidence"]["failure_rate"]
    assert (failure["verdict"], failure["more_calls"]) == ("worse", 0)
    assert (failure["launch"]["numerator"], failure["launch"]["denominator"]) == (48, 60)
    assert failure["bounds"]["low"] > failure["baseline_bounds"]["high"]
    assert len(body["hours"]) == 24
    assert sum(hour["counts"]["attempts"] for hour in body["hours"]) == 60
    assert body["hours"][-1]["verdict"] == "worse"
    assert body["baseline"]["measures"]["counts"]["attempts"] == 360


@pytest.mark.usefixtures("launched")
def test_baseline_and_window_can_be_chosen(service: Service) -> None:
    body = view(service, f"agent=vera-2&{LAUNCHED}&baseline=otto&baseline_window=2026-09-19..2026-09-21")
    assert (body["baseline"]["name"], body["baseline"]["measures"]["counts"]["failed"]) == ("otto", 0)
    assert body["baseline"]["window"]["from"] == "2026-09-19T00:00:00.000000Z"


@pytest.mark.usefixtures("launched")
def test_route_is_compared_with_its_own_past(service: Service) -> None:
    body = view(service, f"route=sales&{LAUNCHED}&tz=Asia/Kolkata")
    assert (body["baseline"]["name"], body["verdict"]) == ("sales", "worse")
    assert body["hours"][0]["hour"].endswith("+05:30")


@pytest.mark.usefixtures("launched")
def test_launch_time_is_the_first_call(service: Service) -> None:
    body = view(service, "agent=vera-2&to=2026-09-22T00:00:00Z")
    assert body["launch"]["window"]["from"] == "2026-09-21T14:00:00.000000Z"
    assert slug(service.get(f"{PATH}?agent=nobody")) == "not-found"
    unknown = service.get(f"{PATH}?agent=Vera2").json()
    assert unknown["detail"] == "no call has the agent 'Vera2' (did you mean vera-2?)"


def test_no_verdict_without_a_baseline(bench: Bench, service: Service) -> None:
    calls(bench, "first", 0, 1, route="new")
    body = view(service, f"agent=first&{LAUNCHED}")
    assert (body["baseline"], body["verdict"]) == (None, "no baseline")
    assert {each["verdict"] for each in (*body["evidence"].values(), *body["hours"])} == {"no baseline"}
    assert body["evidence"]["failure_rate"]["baseline"]["value"] is None


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", ["route"]),
        ("route=a&agent=b", ["route"]),
        ("route=a&since=2026-10-02&to=2026-10-01", ["since"]),
        ("route=a&since=2020-10-02&to=2026-10-01", ["since"]),
        ("route=a&since=2999-01-01", ["since"]),
        ("route=a&baseline_window=2026-10-02", ["baseline_window"]),
        ("route=a&baseline_window=2026-10-02..2026-10-01", ["baseline_window"]),
        (f"route=a&{LAUNCHED}&baseline_window=2020-10-02..2026-10-01", ["baseline_window"]),
    ],
)
def test_errors_name_the_parameters(service: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(service.get(f"{PATH}?{query}")) == named
