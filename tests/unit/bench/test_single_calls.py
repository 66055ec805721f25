"""Single calls of made-up months: the labelled ones, and the alerts of them."""

import math

import msgspec
import numpy as np
import pytest

from bench.detection.incidents import Trouble
from bench.detection.month.steps import START_US
from bench.detection.scoring import TroubleScore
from bench.detection.single_calls import NEVER_S, SingleMonth, single_month
from bench.detection.single_events import single_events_of
from bench.detection.single_replaying import SingleAlert, alerts_of
from bench.detection.single_scoring import scored_calls
from calltally.alerts.model.rules import Floors, Rules
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.ingest.event_body import parse_body

pytestmark = pytest.mark.unmeasured
SEED = 90_001
FEW = 8.0


@pytest.fixture(scope="module")
def month() -> SingleMonth:
    return single_month(SEED, FEW)


@pytest.fixture(scope="module")
def alerts(month: SingleMonth) -> list[SingleAlert]:
    return alerts_of(month, Rules())


def test_the_same_seed_gives_the_same_calls(month: SingleMonth) -> None:
    again = single_month(SEED, FEW)
    assert again.incidents == month.incidents
    assert all(np.array_equal(one, other) for one, other in zip(again.calls, month.calls, strict=True))


def test_what_is_labelled_is_so(month: SingleMonth) -> None:
    calls = month.calls
    assert (calls.reported_ended >= calls.ended).all()
    kinds = [each.trouble for each in month.incidents]
    assert set(kinds) == {
        Trouble.STUCK_CALL,
        Trouble.LOST_CALLBACKS,
        Trouble.DUPLICATE_SID,
        Trouble.SILENCE,
    }
    for each in month.incidents:
        positions = sorted(each.calls)
        if each.trouble is Trouble.STUCK_CALL:
            assert (calls.reported_ended[positions] == NEVER_S).all()
        elif each.trouble is Trouble.DUPLICATE_SID:
            assert len(set(calls.sid[positions].tolist())) == 1 < len(positions)
        elif each.trouble is Trouble.SILENCE:
            of_route = calls.created[calls.route == each.route]
            assert not ((of_route >= each.first_s) & (of_route < each.last_s)).any()
    untold = set(np.flatnonzero(calls.reported_ended == NEVER_S).tolist())
    assert untold <= {call for each in month.incidents for call in each.calls}


def test_every_alert_is_in_time_and_there_are_no_others() -> None:
    score = scored_calls([SEED], Rules(), lambda _report: None, FEW).scores[0]
    assert [each.recall for each in score.troubles] == [1.0] * 4
    assert min(each.in_time for each in score.troubles) >= 0.5
    assert score.false_alarms_a_week == 0.0


def test_a_call_that_rings_is_reported_within_minutes_and_one_in_progress_within_hours(
    month: SingleMonth, alerts: list[SingleAlert]
) -> None:
    delays = {
        is_answered: [
            each.at_s - incident.first_s
            for incident in month.incidents
            if incident.trouble is Trouble.STUCK_CALL
            for call in incident.calls
            if bool(month.calls.reported_answered[call] < NEVER_S) is is_answered
            for each in alerts
            if each.is_about(incident)
        ]
        for is_answered in (True, False)
    }
    assert max(delays[False]) <= 900
    assert 4 * 3_600 < min(delays[True]) <= max(delays[True]) <= 4.5 * 3_600


def test_with_short_floors_it_is_what_was_learned_that_counts(month: SingleMonth) -> None:
    floors = Floors(ringing_hours=60 / 3_600, in_progress_hours=0.75)
    labelled = {call for each in month.incidents for call in each.calls}
    found = {call for each in alerts_of(month, Rules(floors=floors)) for call in each.calls}
    assert {call for call in labelled if math.isinf(month.calls.reported_ended[call])} <= found
    assert len(found - labelled) < len(month.calls.sid) / 1_000


def test_a_kind_that_is_missed_is_scored_as_such() -> None:
    nobody = Rules(floors=Floors(ringing_hours=700.0, in_progress_hours=700.0))
    troubles = scored_calls([SEED], nobody, lambda _report: None, FEW).scores[0].troubles
    stuck: TroubleScore = troubles[0]
    assert (stuck.trouble, stuck.recall, stuck.in_time) == (Trouble.STUCK_CALL, 0.0, 0.0)
    assert stuck.median_delay_hours is None


def test_its_events_are_in_the_order_of_their_reports_with_their_labels(month: SingleMonth) -> None:
    lines = list(single_events_of(month, 15 * 24))
    assert list(single_events_of(month, 15 * 24)) == lines
    alerts = parse_body("\n".join(lines[:500]).encode(), ndjson=True, now_us=START_US + 400 * DAY_US)
    assert [each.faults for each in alerts if each.fact is None] == []
    events = [msgspec.json.decode(line) for line in lines]
    ended = {each["call_sid"] for each in events if each["status"] in {"completed", "no-answer"}}
    for incident in month.incidents:
        sids = [f"single-{SEED}-{month.calls.sid[call]}" for call in incident.calls]
        if incident.trouble is Trouble.STUCK_CALL:
            assert not ended & {*sids}
        if incident.trouble is Trouble.DUPLICATE_SID:
            assert len({*sids}) == 1
            own = [each for each in events if each["call_sid"] == sids[0] and each["status"] == "ringing"]
            assert len(own) == 2
            assert own[0]["from_number"] != own[1]["from_number"]
        if incident.trouble is Trouble.SILENCE:
            silent = (each for each in events if each["route"] == f"route-{incident.route + 1}")
            times = [parse_instant(each["occurred_at"]) for each in silent if each["status"] == "ringing"]
            first, last = (START_US + at * SECOND_US for at in (incident.first_s, incident.last_s))
            assert not [at for at in times if first <= at < last]


def test_hours_bound_which_calls_there_are(month: SingleMonth) -> None:
    short, longer = ({*single_events_of(month, hours)} for hours in (1, 24))
    assert 0 < len(short) < len(longer)
