"""A month of calls as the provider and as we have it, seeded, each difference planted and labelled."""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple, cast

from bench.call_resource import ACCOUNT, Resource, resource
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import FindingKind

MONTH_US: Final = 1_790_812_800 * SECOND_US  # 2026-10-01
END_US: Final = MONTH_US + 31 * DAY_US
# Calls begin from so long before the month to as long after it.
MARGIN_US: Final = 3_600 * SECOND_US
_UNANSWERED: Final = ("busy", "failed", "no-answer", "canceled")

# Of a thousand calls.
PLANTED: Final = {
    FindingKind.UNHEARD_CALL: 15,
    FindingKind.MISSING_FINAL_STATE: 20,
    FindingKind.CONTRADICTION: 20,
    FindingKind.OTHER_DURATION: 20,
}


class Planted(NamedTuple):
    """One call: when it began, what we heard of it, what the provider says, and what is wrong."""

    started_us: int
    facts: list[Fact]
    listed: Resource
    fault: FindingKind | None


class _Truth(NamedTuple):
    call_sid: str
    started_us: int
    status: str
    talk_s: int

    @property
    def ended_us(self) -> int:
        return self.started_us + (5 + self.talk_s) * SECOND_US


def provider_month(calls: int, seed: int = 4) -> Iterator[Planted]:
    """So many calls in the order of their starts; only those inside the month carry a fault."""
    random = Random(seed)
    whole_s = (END_US - MONTH_US + 2 * MARGIN_US) // SECOND_US
    for number in range(calls):
        begin_s, end_s = number * whole_s // calls, (number + 1) * whole_s // calls
        second = random.randrange(begin_s, max(end_s, begin_s + 1))
        truth = _truth(random, MONTH_US - MARGIN_US + second * SECOND_US)
        fault = _fault(random, truth) if MONTH_US <= truth.started_us < END_US else None
        yield Planted(truth.started_us, list(_heard(random, truth, fault)), _resource(truth), fault)


def _truth(random: Random, started_us: int) -> _Truth:
    status = random.choices(("completed", *_UNANSWERED), (70, 8, 7, 12, 3))[0]
    talk_s = random.randint(4, 900) if status == "completed" else 0
    return _Truth(f"CA{random.getrandbits(128):032x}", started_us, status, talk_s)


def _fault(random: Random, truth: _Truth) -> FindingKind | None:
    number = random.randrange(1000)
    for kind, share in PLANTED.items():
        if number < share:
            return None if kind == FindingKind.OTHER_DURATION and not truth.talk_s else kind
        number -= share
    return None


def _resource(truth: _Truth) -> Resource:
    ended_us = truth.ended_us
    listed = resource(truth.call_sid, truth.started_us, truth.status, truth.talk_s)
    return {**listed, "end_time": resource("", ended_us)["start_time"]}


def _heard(random: Random, truth: _Truth, fault: FindingKind | None) -> Iterator[Fact]:
    """The callbacks that arrived; a talk that differs by a second is how clocks are, and no fault."""
    if fault == FindingKind.UNHEARD_CALL:
        return
    yield _fact(truth, 0, status=random.choice(("queued", "initiated")), started_us=truth.started_us)
    yield _fact(truth, 1, status="ringing")
    status, talk_s = _stated(random, truth, fault)
    if talk_s and (fault != FindingKind.MISSING_FINAL_STATE or random.getrandbits(1)):
        yield _fact(truth, 5, status="in-progress")
    if fault != FindingKind.MISSING_FINAL_STATE:
        yield _fact(truth, 5 + truth.talk_s, status=status, talk_seconds=talk_s)


def _stated(random: Random, truth: _Truth, fault: FindingKind | None) -> tuple[str, int]:
    """The final state and talk that we were told of."""
    if fault == FindingKind.CONTRADICTION:
        return _other(random, truth)
    if fault == FindingKind.OTHER_DURATION:
        return truth.status, truth.talk_s + random.choice((2, 7, 60))
    return truth.status, truth.talk_s + (random.choice((0, 0, 1, -1)) if truth.talk_s else 0)


def _other(random: Random, truth: _Truth) -> tuple[str, int]:
    """Another final state: of an answered call that nobody answered, of others any."""
    others = [status for status in ("completed", *_UNANSWERED) if status != truth.status]
    status = "completed" if "completed" in others and random.getrandbits(1) else random.choice(others)
    return status, 30 if status == "completed" else 0


def _fact(truth: _Truth, second: int, **stated: object) -> Fact:
    occurred_us = truth.started_us + second * SECOND_US
    whole = {**stated, "provider": "twilio", "provider_account": ACCOUNT, "direction": "outbound"}
    return Fact(
        call_sid=truth.call_sid,
        channel=Channel.CALLBACK,
        provider="twilio",
        account=ACCOUNT,
        event_id="",
        sequence=None,
        occurred_us=occurred_us,
        received_us=occurred_us,
        digest=content_digest([truth.call_sid, second, whole]),
        stated=cast("StatedFields", whole),
        raw=b"{}",
        is_carrier=True,
    )
