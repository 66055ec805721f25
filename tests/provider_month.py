"""A month of calls as the provider and as we have it, seeded, each difference planted and labelled."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple, cast

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.times import DAY_US, SECOND_US
from calltally.reconcile.findings import Kind
from tests.twilio_api import ACCOUNT, Resource, resource

MONTH_US = 1_790_812_800 * SECOND_US
END_US = MONTH_US + 31 * DAY_US
# A day after: whatever is still open is not just under way.
NOW_US = END_US + DAY_US
UNANSWERED = ("busy", "failed", "no-answer", "canceled")

# Of a thousand calls.
PLANTED = {
    Kind.UNHEARD_CALL: 15,
    Kind.MISSING_FINAL_STATE: 20,
    Kind.CONTRADICTION: 20,
    Kind.OTHER_DURATION: 20,
}


class Month(NamedTuple):
    """`facts` are what we heard, `listed` what the provider says, `labels` what is wrong with which SID."""

    facts: list[Fact]
    listed: list[Resource]
    labels: dict[str, Kind]


class _Truth(NamedTuple):
    call_sid: str
    started_us: int
    status: str
    talk_s: int

    @property
    def ended_us(self) -> int:
        return self.started_us + (5 + self.talk_s) * SECOND_US


def month(calls: int, seed: int = 4) -> Month:
    """So many calls from an hour before the month to an hour after; only those inside carry a label."""
    random = Random(seed)
    made = Month([], [], {})
    for number in range(calls):
        truth = _truth(random, number)
        made.listed.append(_resource(truth))
        fault = _fault(random, truth) if MONTH_US <= truth.started_us < END_US else None
        made.facts.extend(_heard(random, truth, fault))
        if fault is not None:
            made.labels[truth.call_sid] = fault
    random.shuffle(made.facts)
    return made


def _truth(random: Random, number: int) -> _Truth:
    started_us = random.randrange(MONTH_US - 3_600 * SECOND_US, END_US + 3_600 * SECOND_US, SECOND_US)
    status = random.choices(("completed", *UNANSWERED), (70, 8, 7, 12, 3))[0]
    sid = f"CA{number:06x}{random.getrandbits(104):026x}"
    return _Truth(sid, started_us, status, random.randint(4, 900) if status == "completed" else 0)


def _fault(random: Random, truth: _Truth) -> Kind | None:
    drawn = random.randrange(1000)
    for kind, share in PLANTED.items():
        if drawn < share:
            return None if kind == Kind.OTHER_DURATION and not truth.talk_s else kind
        drawn -= share
    return None


def _resource(truth: _Truth) -> Resource:
    ended_us = truth.ended_us
    listed = resource(truth.call_sid, truth.started_us, truth.status, truth.talk_s)
    return {**listed, "end_time": resource("", ended_us)["start_time"]}


def _heard(random: Random, truth: _Truth, fault: Kind | None) -> Iterator[Fact]:
    """The callbacks that arrived; a talk that differs by a second is how clocks are, and no fault."""
    if fault == Kind.UNHEARD_CALL:
        return
    yield _fact(truth, 0, status=random.choice(("queued", "initiated")), started_us=truth.started_us)
    yield _fact(truth, 1, status="ringing")
    status, talk_s = _told(random, truth, fault)
    if talk_s and (fault != Kind.MISSING_FINAL_STATE or random.random() < 0.5):
        yield _fact(truth, 5, status="in-progress")
    if fault != Kind.MISSING_FINAL_STATE:
        yield _fact(truth, 5 + truth.talk_s, status=status, talk_seconds=talk_s)


def _told(random: Random, truth: _Truth, fault: Kind | None) -> tuple[str, int]:
    """The final state and talk that we were told of."""
    if fault == Kind.CONTRADICTION:
        return _other(random, truth)
    if fault == Kind.OTHER_DURATION:
        return truth.status, truth.talk_s + random.choice((2, 7, 60))
    return truth.status, truth.talk_s + (random.choice((0, 0, 1, -1)) if truth.talk_s else 0)


def _other(random: Random, truth: _Truth) -> tuple[str, int]:
    """Another final state: of an answered call that nobody answered, of others any."""
    others = [status for status in ("completed", *UNANSWERED) if status != truth.status]
    status = "completed" if "completed" in others and random.random() < 0.5 else random.choice(others)
    return status, 30 if status == "completed" else 0


def _fact(truth: _Truth, second: int, **said: object) -> Fact:
    occurred_us = truth.started_us + second * SECOND_US
    whole = {**said, "provider": "twilio", "provider_account": ACCOUNT, "direction": "outbound"}
    return Fact(
        call_sid=truth.call_sid,
        door=Door.CALLBACK,
        provider="twilio",
        account=ACCOUNT,
        event_id="",
        sequence=None,
        occurred_us=occurred_us,
        received_us=occurred_us,
        digest=content_digest([truth.call_sid, second, whole]),
        said=cast("Said", whole),
        raw=b"{}",
        is_carrier=True,
    )
