"""The month that the copies are made of: its calls, and what goes on arriving in it while it is copied.

All of it follows from numbers, so that a run can be repeated: the n-th call, the n-th fact, the n-th
erasure are the same each time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

TENANT: Final = "moving"
LIST: Final = "/api/v1/call-logs"
SEEDS: Final = 100_000
FROM: Final = datetime(2026, 3, 1, tzinfo=UTC)
TO: Final = datetime(2026, 4, 1, tzinfo=UTC)
# Fixed parameters of every copy, with or without `hold`.
WINDOW: Final[Mapping[str, str]] = {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}

FACTS_PER_S: Final = 200
ERASURES_PER_S: Final = 5
FACTS_PER_ERASURE: Final = FACTS_PER_S // ERASURES_PER_S
# One seeded call in so many may be erased, and none of the others is.
ERASABLE: Final = 10
# A call that is to be erased changes so many erasures before: its old states must go with it.
ERASED_AFTER: Final = 100

# Seeded calls keep away from both ends: some are moved to earlier times, and new ones come in at the top.
_MARGIN: Final = timedelta(days=1)
_EARLIER: Final = timedelta(hours=12)
_TOP: Final = timedelta(hours=1)
_STATES: Final = ("ringing", "in-progress", "completed", "failed")


def seed_event(number: int) -> dict[str, Any]:
    """The one event by which the n-th seeded call is known."""
    return _event(f"seed-{number}", _seed_sid(number), _seed_moment(number), "initiated")


def new_event(number: int) -> dict[str, Any]:
    """A call that nobody knew: every other one belongs at the top, the rest anywhere in the month."""
    if number % 2:
        moment = TO - _TOP + timedelta(milliseconds=number)
    else:
        moment = FROM + _part_of(f"new {number}", TO - FROM - 2 * _TOP)
    return _event(f"new-{number}", f"NW{_hashed(f'new {number}')}", moment, "initiated")


def fact(number: int) -> dict[str, Any]:
    """The n-th fact of the traffic: of ten, four new calls, four changes, two late tellings of old times."""
    kind = number % 10
    if kind < 4:  # noqa: PLR2004 (the shares are told above)
        return new_event(number)
    if kind == 4:  # noqa: PLR2004
        return _change(f"last-{number}", erasable(number // FACTS_PER_ERASURE + ERASED_AFTER), number)
    seed = _lasting(number)
    return _change(f"change-{number}", seed, number) if kind < 8 else _earlier(number, seed)  # noqa: PLR2004


def erasable(number: int) -> int:
    """Which seeded call the n-th erasure takes; no two take the same one."""
    # 7,919 shares no divisor with how many there are: this walks through all of them, all over the month.
    return number * 7_919 % (SEEDS // ERASABLE) * ERASABLE


def is_new(event_id: str) -> bool:
    """Decide whether an event of this id creates a call."""
    return event_id.startswith("new-")


def is_of_erasable(event_id: str) -> bool:
    """Decide whether an event of this id is of a call that will be erased; a later one is refused."""
    return event_id.startswith("last-")


def seed_sid(number: int) -> str:
    """By which name the n-th seeded call can be erased."""
    return _seed_sid(number)


def _lasting(number: int) -> int:
    position = int(_hashed(f"lasting {number}"), 16) % (SEEDS - SEEDS // ERASABLE)
    return position // (ERASABLE - 1) * ERASABLE + 1 + position % (ERASABLE - 1)


def _change(event_id: str, seed: int, number: int) -> dict[str, Any]:
    moment = _seed_moment(seed) + timedelta(seconds=1 + number % 600)
    return _event(event_id, _seed_sid(seed), moment, _STATES[number % len(_STATES)])


def _earlier(number: int, seed: int) -> dict[str, Any]:
    """Evidence that a call began earlier than anybody said: it moves down the list."""
    moment = _seed_moment(seed) - _part_of(f"earlier {number}", _EARLIER)
    return _event(f"earlier-{number}", _seed_sid(seed), moment, "queued")


def _event(event_id: str, sid: str, moment: datetime, status: str) -> dict[str, Any]:
    return {
        "id": event_id,
        "call_sid": sid,
        "occurred_at": moment.isoformat(timespec="microseconds"),
        "status": status,
        "direction": "inbound",
        "from_number": "+14155550100",
    }


def _seed_sid(number: int) -> str:
    return f"CA{_hashed(f'seed {number}')}"


def _seed_moment(number: int) -> datetime:
    """To the second: some share it, as in any busy month."""
    moment = FROM + _MARGIN + _part_of(f"moment {number}", TO - FROM - 2 * _MARGIN)
    return moment.replace(microsecond=0)


def _part_of(text: str, span: timedelta) -> timedelta:
    return timedelta(microseconds=int(_hashed(text), 16) % (span // timedelta(microseconds=1)))


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
