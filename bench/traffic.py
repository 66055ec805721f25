"""Made-up calls: seeded, and skewed as real ones are.

One tenant has half of all calls, and its busiest hour thirty times the mean; days have nights and
weeks have ends. The same size and seed give the same calls.
"""

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.times import SECOND_US, utc_text
from calltally.store.tenants.routes import Route, checked_route

# Raised whenever the same seed gives other calls: what was loaded before is then loaded anew.
VERSION: Final = 1
TENANTS: Final = tuple(f"tenant-{number}" for number in range(8))
BIG: Final = TENANTS[0]
ROUTES: Final = 6
BUSIEST_TIMES_MEAN: Final = 30
_SHARES: Final = (0.5, 0.2, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01)
_DAYS: Final = 90
_HOURS: Final = _DAYS * 24
_HOUR_US: Final = 3_600 * SECOND_US
# 2026-07-01. Fixed, so that a second run finds the same calls.
START_US: Final = 1_782_864_000 * SECOND_US
END_US: Final = START_US + _HOURS * _HOUR_US
# A Tuesday at ten, in the last third: far from both ends of the list.
_BUSY_HOUR: Final = 62 * 24 + 10
_DAYTIME: Final = range(8, 19)
_WEEKEND: Final = (3, 4)
_STATUSES: Final = ("completed", "no-answer", "busy", "failed", "canceled")
_STATUS_SHARES: Final = (70, 82, 90, 96, 100)
_SIP: Final = {"completed": 200, "no-answer": 487, "busy": 486, "failed": 503, "canceled": 487}
_SUMMARIES: Final = (
    "Caller moved an appointment to Thursday morning.",
    "Caller asked about a charge on the last invoice; it was explained.",
    "Customer confirmed appointment time.",
)
_ACCOUNT: Final = "AC" + "5ca1ab1e" * 4


class Made(NamedTuple):
    """One call as the generator knows it."""

    tenant: str
    sid: str
    created_us: int
    status: str
    direction: str
    route: int
    caller: str
    talk_s: int

    @property
    def numbers(self) -> tuple[str, str]:
        """Return the parties of a call."""
        own = own_number(self.tenant, self.route)
        return (self.caller, own) if self.direction == "inbound" else (own, self.caller)


def own_number(tenant: str, route: int) -> str:
    """The tenant's number of one of its routes."""
    return f"+1415555{TENANTS.index(tenant):02}{route:02}"


def routes_of(tenant: str) -> list[Route]:
    """The routes that calls of `tenant` belong to by their numbers."""
    return [
        checked_route(
            route_name(route), [own_number(tenant, route)], agent=agent_name(route), provider="twilio"
        )
        for route in range(ROUTES)
    ]


def route_name(route: int) -> str:
    """How a route is called; every tenant has the same."""
    return f"route-{route}"


def agent_name(route: int) -> str:
    """Return the agent of a route; two routes share an agent."""
    return f"agent-{route // 2}"


def calls_of(size: int, tenant: str) -> int:
    """How many of `size` calls are the tenant's."""
    shares = [round(size * share) for share in _SHARES[1:]]
    return size - sum(shares) if tenant == BIG else shares[TENANTS.index(tenant) - 1]


@cache
def hours(calls: int) -> tuple[int, ...]:
    """How many of a tenant's calls fall into each hour; the sum is exact."""
    weights = [_weight(hour) for hour in range(_HOURS)]
    weights[_BUSY_HOUR] = 0
    busiest = min(calls, calls * BUSIEST_TIMES_MEAN // _HOURS)
    scale = (calls - busiest) / sum(weights)
    edges = [round(edge * scale) for edge in accumulate(weights, initial=0.0)]
    counts = [after - before for before, after in pairwise(edges)]
    counts[_BUSY_HOUR] += busiest
    return tuple(counts)


def _weight(hour: int) -> float:
    by_day = 1.0 if hour % 24 in _DAYTIME else 0.15
    # The first day is a Wednesday, so the fourth and fifth are a weekend.
    return by_day * (0.4 if hour // 24 % 7 in _WEEKEND else 1.0)


def busy_offsets(size: int) -> range:
    """Which offsets of the big tenant's list, newest first, lie in its busiest hour."""
    counts = hours(calls_of(size, BIG))
    newer = sum(counts[_BUSY_HOUR + 1 :])
    return range(newer, newer + counts[_BUSY_HOUR])


def history(size: int, seed: int) -> Iterator[Made]:
    """`size` finished calls of all tenants, oldest first."""
    rng = random.Random(seed)
    counts = {tenant: hours(calls_of(size, tenant)) for tenant in TENANTS}
    for hour in range(_HOURS):
        start_us = START_US + hour * _HOUR_US
        made = [
            call(rng, tenant, start_us + rng.randrange(_HOUR_US))
            for tenant in TENANTS
            for _ in range(counts[tenant][hour])
        ]
        made.sort(key=lambda each: each.created_us)
        yield from made


def call(rng: random.Random, tenant: str, created_us: int) -> Made:
    """One more call of `tenant`."""
    number = rng.randrange(100)
    status = next(word for word, share in zip(_STATUSES, _STATUS_SHARES, strict=True) if number < share)
    return Made(
        tenant=tenant,
        sid=f"CA{rng.getrandbits(128):032x}",
        created_us=created_us,
        status=status,
        direction="inbound" if rng.random() < 0.6 else "outbound",  # noqa: PLR2004 - three of five
        route=min(int(rng.expovariate(0.7)), ROUTES - 1),
        caller=f"+1646{rng.randrange(2_000_000, 9_999_999):07}",
        talk_s=5 + int(rng.expovariate(1 / 90)) if status == "completed" else 0,
    )


def tenant_by_share(rng: random.Random) -> str:
    """A tenant, by its share of the calls."""
    return rng.choices(TENANTS, _SHARES)[0]


def listed_fact(made: Made) -> Fact:
    """The one fact by which a past call is loaded: what the provider's own list of calls says of it."""
    ended_us = made.created_us + (6 + made.talk_s) * SECOND_US
    stated = _stated(made, ended_us)
    raw = _resource(made, ended_us)
    return Fact(
        call_sid=made.sid,
        channel=Channel.IMPORT,
        provider="twilio",
        account=_ACCOUNT,
        event_id="",
        sequence=None,
        occurred_us=ended_us,
        received_us=ended_us,
        digest=content_digest(raw),
        stated=stated,
        raw=raw,
        is_carrier=True,
    )


def _stated(made: Made, ended_us: int) -> StatedFields:
    caller, called = made.numbers
    stated: StatedFields = {
        "status": made.status,
        "direction": made.direction,
        "from_number": caller,
        "to_number": called,
        "provider": "twilio",
        "provider_account": _ACCOUNT,
        "mapped_route": route_name(made.route),
        "mapped_agent": agent_name(made.route),
        "started_us": made.created_us,
        "ended_us": ended_us,
        "talk_seconds": made.talk_s,
        "sip_code": _SIP[made.status],
        "cost": {"amount": f"0.0{made.talk_s // 60 + 1:03}", "currency": "USD"},
    }
    if made.talk_s % 3 == 1:
        stated["summary"] = _SUMMARIES[made.talk_s % len(_SUMMARIES)]
    return stated


def _resource(made: Made, ended_us: int) -> bytes:
    caller, called = made.numbers
    return (
        f'{{"sid":"{made.sid}","account_sid":"{_ACCOUNT}","status":"{made.status}","from":"{caller}",'
        f'"to":"{called}","direction":"{made.direction}","start_time":"{utc_text(made.created_us)}",'
        f'"end_time":"{utc_text(ended_us)}","duration":"{made.talk_s}","price":null,"price_unit":"USD",'
        f'"answered_by":null,"parent_call_sid":null,"queue_time":"0","api_version":"2010-04-01"}}'
    ).encode()
