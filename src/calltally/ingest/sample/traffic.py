"""Generator of sample traffic: calls with the shape of days and weeks, and their messages in order.

The same plan makes the same calls, so that an interrupted load can be repeated and adds only what is missing.
"""

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Final, NamedTuple

from calltally.calls.model import Status
from calltally.calls.times import DAY_US, SECOND_US
from calltally.ingest.sample import carriers, platforms
from calltally.ingest.sample.calls import ROUTES, EndShares, SampleCall, SampleMessage
from calltally.ingest.sample.conversations import own_events
from calltally.providers.telnyx.words import NAME as TELNYX
from calltally.providers.twilio.words import NAME as TWILIO

_HOUR_US: Final = 3_600 * SECOND_US
_MINUTE_US: Final = 60 * SECOND_US
# About 20,000 calls in 30 days.
_CALLS_AN_HOUR: Final = 28.6
# Hours of a day in percent: quiet nights, and two peaks.
_DAY: Final = (
    *(22, 18, 16, 16, 18, 28, 60, 105, 165, 205, 215, 195),
    *(165, 175, 205, 200, 185, 160, 130, 105, 85, 65, 45, 32),
)
_SATURDAY: Final = 5
_WEEKEND: Final = 0.7
# The demo starts in a busy hour of its tenant's day.
_FIRST_HOUR: Final = 14
_ENDS: Final = (Status.COMPLETED, Status.NO_ANSWER, Status.BUSY, Status.FAILED, Status.CANCELED)
_ESCALATED: Final = 0.13
_LEAST_ESCALATED_S: Final = 45
_LIVE_NUMBERS: Final = 1_000_000
_FOREVER_US: Final = 36_500 * DAY_US
# Lag of a message behind its event: the same for all of a call, so that they keep their order.
_LAG_US: Final = SECOND_US // 5


class Period(NamedTuple):
    """Period in which the calls of a route end in other proportions; it may have no end."""

    route: str
    from_us: int
    to_us: int | None
    ends: EndShares

    def holds(self, route: str, at_us: int) -> bool:
        return route == self.route and self.from_us <= at_us and (self.to_us is None or at_us < self.to_us)


class ReceivedMessage(NamedTuple):
    """Message about a call, and the time of its receipt. `serial` orders messages of the same time."""

    received_us: int
    serial: int
    call: SampleCall
    message: SampleMessage


class TrafficPlan(NamedTuple):
    """Plan of all traffic of a demo: made at `made_us`, and continued at `now_us`.

    `launch` is a better agent on a route, `outage` a past incident, `current` an incident that lasts.
    """

    seed: int
    made_us: int
    launch: Period
    outage: Period
    current: Period


def plan_of(seed: int, made_us: int, now_us: int) -> TrafficPlan:
    launch_us, outage_us = made_us - 4 * DAY_US, made_us - 9 * DAY_US - 3 * _HOUR_US
    return TrafficPlan(
        seed=seed,
        made_us=made_us,
        launch=Period("reminders", launch_us, None, EndShares(72, 14, 7, 4, 3)),
        outage=Period("deliveries", outage_us, outage_us + 3 * _HOUR_US, EndShares(25, 8, 3, 62, 2)),
        current=Period("bookings", now_us - 180 * _MINUTE_US, None, EndShares(22, 68, 2, 2, 6)),
    )


def calls_between(plan: TrafficPlan, from_us: int, to_us: int) -> Iterator[SampleCall]:
    """Yield the calls that start from `from_us` on and before `to_us`, the earliest first."""
    special = special_calls(plan)
    for hour in range((from_us - plan.made_us) // _HOUR_US, -((plan.made_us - to_us) // _HOUR_US)):
        start_us = plan.made_us + hour * _HOUR_US
        calls = [*_calls_of_hour(plan, hour), *special]
        until_us = min(to_us, start_us + _HOUR_US)
        within = [call for call in calls if max(from_us, start_us) <= call.started_us < until_us]
        yield from sorted(within, key=lambda call: call.started_us)


def special_calls(plan: TrafficPlan) -> tuple[SampleCall, SampleCall, SampleCall]:
    """Return an escalated call, one of a carrier and a platform, and one with contradicting sources."""
    support, _, reminders, deliveries = ROUTES
    ended, minute_us = Status.COMPLETED, plan.made_us - plan.made_us % SECOND_US - 60 * _MINUTE_US
    return (
        SampleCall(support, 1, minute_us, ended, 4, 164, is_escalated=True),
        SampleCall(deliveries, 2, minute_us + 9 * _MINUTE_US, ended, 9, 71),
        SampleCall(reminders, 3, minute_us + 17 * _MINUTE_US, ended, 12, 48, is_disputed=True),
    )


def live_calls(plan: TrafficPlan, now_us: int) -> Iterator[SampleCall]:
    """Yield calls without end: one of each route now, then those of the plan, as often as in the history.

    Their SIDs are others than the plan's, which a later load adds for the last minutes before its start.
    """
    for number, route in enumerate(ROUTES):
        yield SampleCall(route, 4 + number, now_us + number * SECOND_US, Status.COMPLETED, 4, 40)
    for call in calls_between(plan, now_us + len(ROUTES) * SECOND_US, now_us + _FOREVER_US):
        yield call._replace(number=call.number + _LIVE_NUMBERS)


def messages_in_order(calls: Iterable[SampleCall], in_full_from_us: int) -> Iterator[ReceivedMessage]:
    """Yield the messages of calls in the order of their receipt.

    `calls` are in the order of their start. Those before `in_full_from_us` have few messages.
    """
    waiting: list[ReceivedMessage] = []
    serial = count()
    for call in calls:
        while waiting and waiting[0].received_us <= call.started_us:
            yield heappop(waiting)
        lag_us = (2 + call.number % 9) * _LAG_US
        messages = messages_of(call) if call.started_us >= in_full_from_us else _few_messages_of(call)
        for message in messages:
            heappush(waiting, ReceivedMessage(message.at_us + lag_us, next(serial), call, message))
    while waiting:
        yield heappop(waiting)


def messages_of(call: SampleCall) -> list[SampleMessage]:
    """Return the messages of all sources of a call."""
    return [*carriers.CALLBACKS[call.route.carrier](call), *_platform_messages(call), *own_events(call)]


def _few_messages_of(call: SampleCall) -> list[SampleMessage]:
    """Return only the messages that the record needs for its start, its end and its outcome."""
    of_carrier = carriers.CALLBACKS[call.route.carrier](call)
    ends = [message for message in of_carrier if message.at_us >= call.ended_us]
    earlier = of_carrier[: -len(ends)]
    # The message about the end repeats the start at Vonage, and at Telnyx all but the answer.
    needed = {TWILIO: earlier[:1], TELNYX: earlier[1:]}.get(call.route.carrier, [])
    # An answered call without its own event would not count in the escalation rate.
    return [*needed, *ends, *_platform_messages(call)[-1:], *list(own_events(call))[:1]]


def _platform_messages(call: SampleCall) -> list[SampleMessage]:
    platform = call.route.platform
    return platforms.CALLBACKS[platform](call) if platform else []


def _calls_of_hour(plan: TrafficPlan, hour: int) -> Iterator[SampleCall]:
    """Yield the calls of an hour, counted from the start of the demo: the same ones at any date.

    On weekends some of them are left out.
    """
    rng = Random(f"{plan.seed} {hour}")
    days, local_hour = divmod(hour + _FIRST_HOUR, 24)
    # 1970 began on a Thursday.
    weekday = (plan.made_us // DAY_US + days + 3) % 7
    share = _WEEKEND if weekday >= _SATURDAY else 1.0
    for _ in range(int(_CALLS_AN_HOUR * _DAY[local_hour] / 100 * rng.uniform(0.85, 1.15) + rng.random())):
        call = _call(plan, rng, plan.made_us + hour * _HOUR_US + rng.randrange(_HOUR_US))
        if rng.random() < share:
            yield call


def _call(plan: TrafficPlan, rng: Random, started_us: int) -> SampleCall:
    [route] = rng.choices(ROUTES, [route.share for route in ROUTES])
    periods = (plan.launch, plan.outage, plan.current)
    ends = next((each.ends for each in periods if each.holds(route.name, started_us)), route.ends)
    [status] = rng.choices(_ENDS, ends)
    ring_s = 20 + rng.randrange(12) if status is Status.NO_ANSWER else 2 + rng.randrange(14)
    talk_s = min(9 + int(rng.expovariate(1 / 95)), 900)
    is_escalated = (
        route.is_inbound
        and status is Status.COMPLETED
        and talk_s >= _LEAST_ESCALATED_S
        and rng.random() < _ESCALATED
    )
    number = rng.randrange(10, 1_000_000)
    return SampleCall(route, number, started_us, status, ring_s, talk_s, is_escalated=is_escalated)
