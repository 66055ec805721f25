"""Made-up usual traffic: the same for the same seed, adding up, and taken by the service as events."""

import json

import numpy as np
import pytest

from bench.detection.month.events import events_of
from bench.detection.month.steps import START_US, Month, month
from bench.detection.month.tenant import Size
from calltally.calls.alert_counts import COLUMNS
from calltally.calls.times import DAY_US
from calltally.ingest.event_body import parse_body

SMALL = Size(routes=6, history_days=7, days=2)
SEED = 90_001


@pytest.fixture(scope="module")
def made() -> Month:
    return month(SEED, SMALL)


def column(of: Month, name: str) -> np.ndarray:
    return of.steps[:, COLUMNS.index(name)].astype(int)


def test_the_same_seed_gives_the_same_month(made: Month) -> None:
    assert np.array_equal(made.steps, month(SEED, SMALL).steps)
    assert not np.array_equal(made.steps, month(SEED + 1, SMALL).steps)


def test_ends_add_up(made: Month) -> None:
    ends = ("completed", "no_answer", "failed", "busy", "canceled")
    assert np.array_equal(sum(column(made, name) for name in ends), column(made, "final"))
    assert (column(made, "provider_failed") <= column(made, "failed")).all()
    assert (column(made, "transferred") <= column(made, "answered")).all()


def test_events_have_a_start_and_an_end_for_each_call_after_the_history(made: Month) -> None:
    lines = list(events_of(made, 1))
    assert len(lines) == 2 * column(made, "final")[made.first_step : made.first_step + 12].sum() > 0
    assert len({json.loads(line)["id"] for line in lines}) == len(lines)
    read = parse_body("\n".join(lines[:500]).encode(), ndjson=True, now_us=START_US + 400 * DAY_US)
    assert [each.faults for each in read if each.fact is None] == []
