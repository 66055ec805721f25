"""Chart data as JSON that is safe inside a page for any group name."""

import json

from calltally.analytics.report_values import rate_with_interval
from calltally.calls.intervals import Proportion
from calltally.web.dashboard.quality.chart_data import NO_POINT, ChartSeries, chart_json, point


def test_point_has_its_rate_and_its_baseline() -> None:
    rate = rate_with_interval(Proportion(1, 200_000))
    assert json.loads(point(rate, 0.75)) == [rate.value, rate.low, rate.high, 200_000, 0, 0.75]
    nothing = rate_with_interval(Proportion(0, 0))
    assert json.loads(point(nothing, 0.5)) == [None, None, None, 0, 1, 0.5]
    assert point(nothing, None) == NO_POINT


def test_name_cannot_end_a_script() -> None:
    name = "</script><script>alert('&')"
    text = chart_json({"step": "hour"}, [ChartSeries(name, None, {"busy_rate": [NO_POINT, "[1.0]"]})])
    assert not {"<", ">", "&", "'"} & set(text)
    assert json.loads(text) == {
        "step": "hour",
        "columns": [{"name": name, "calls": None, "rates": {"busy_rate": [None, [1.0]]}}],
    }
