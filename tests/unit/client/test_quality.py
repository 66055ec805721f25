"""What the client asks of launch quality and of launches, without a network."""

from datetime import date
from typing import Any

import pytest

from calltally.client import quality
from calltally.client.errors import ClientError
from calltally.client.wire import Answer
from tests.unit.client.canned import Canned, good, in_turn


def test_quality_is_asked_by_the_filters_and_keys_given() -> None:
    canned = Canned(in_turn(good({"data": []})))
    options: Any = {"from_": date(2026, 10, 1), "route": "sales", "status": ["busy", "failed"]}
    found = canned.run(
        quality.launch_quality(
            canned.plan, group_by=("agent", "day"), compare="previous", tz="Europe/Berlin", **options
        )
    )
    assert found == {"data": []}
    [request] = canned.requests
    assert (request.method, request.path) == ("GET", "/api/v1/analytics/launch-quality")
    assert list(request.params) == [
        ("from", "2026-10-01"),
        ("route", "sales"),
        ("status", "busy"),
        ("status", "failed"),
        ("group_by", "agent,day"),
        ("compare", "previous"),
        ("tz", "Europe/Berlin"),
        ("percentiles", "true"),
    ]


@pytest.mark.parametrize("name", ["order", "snapshot", "hold", "rout"])
def test_what_means_nothing_to_a_sum_is_no_filter(name: str) -> None:
    canned = Canned(in_turn())
    wrong: Any = {name: "x"}
    with pytest.raises(TypeError, match=name):
        canned.run(quality.launch_quality(canned.plan, **wrong))


def test_a_launch_is_asked_by_what_is_named() -> None:
    canned = Canned(in_turn(good({"verdict": "worse"})))
    found = canned.run(quality.view_launch(canned.plan, agent="v2", since="2026-10-01"))
    assert found["verdict"] == "worse"
    [request] = canned.requests
    assert (request.path, list(request.params)) == (
        "/api/v1/analytics/launch",
        [("agent", "v2"), ("since", "2026-10-01")],
    )


def test_an_answer_of_another_shape_is_told() -> None:
    canned = Canned(in_turn(Answer(200, {"content-type": "application/json"}, b"[]")))
    with pytest.raises(ClientError):
        canned.run(quality.view_launch(canned.plan, agent="v2"))
