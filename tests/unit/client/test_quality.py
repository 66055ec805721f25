"""Operations on launch quality and launches."""

from datetime import date
from typing import Any

import pytest

from calltally.client import quality
from calltally.client.errors import ClientError
from calltally.client.wire import Answer
from tests.unit.client.canned import Canned, good, in_sequence


def test_launch_quality_sends_filters_and_keys() -> None:
    canned = Canned(in_sequence(good({"data": []})))
    options: Any = {"from_": date(2026, 10, 1), "route": "sales", "status": ["busy", "failed"]}
    result = canned.run(
        quality.launch_quality(
            canned, group_by=("agent", "day"), compare="previous", tz="Europe/Berlin", **options
        )
    )
    assert result == {"data": []}
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
def test_filters_of_pages_are_refused(name: str) -> None:
    canned = Canned(in_sequence())
    wrong: Any = {name: "x"}
    with pytest.raises(TypeError, match=name):
        canned.run(quality.launch_quality(canned, **wrong))


@pytest.mark.parametrize(
    ("keys", "sent"), [("route", "route"), ("route,day", "route,day"), (["route"], "route")]
)
def test_keys_are_one_text_or_several(keys: Any, sent: str) -> None:  # noqa: ANN401 (of both kinds)
    canned = Canned(in_sequence(good({"data": []})))
    canned.run(quality.launch_quality(canned, group_by=keys))
    assert ("group_by", sent) in canned.requests[0].params


def test_view_launch_sends_its_options() -> None:
    canned = Canned(in_sequence(good({"verdict": "worse"})))
    result = canned.run(quality.view_launch(canned, agent="v2", since="2026-10-01"))
    assert result["verdict"] == "worse"
    [request] = canned.requests
    assert (request.path, list(request.params)) == (
        "/api/v1/analytics/launch",
        [("agent", "v2"), ("since", "2026-10-01")],
    )


def test_response_of_another_shape_is_an_error() -> None:
    canned = Canned(in_sequence(Answer(200, {"content-type": "application/json"}, b"[]")))
    with pytest.raises(ClientError):
        canned.run(quality.view_launch(canned, agent="v2"))
