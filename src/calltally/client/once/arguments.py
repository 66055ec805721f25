"""From what a caller says to a wish that the ledger can answer. Names and leases are checked here."""

from collections.abc import Callable
from typing import Final, TypeAlias

from calltally.calls.errors import InvalidInput
from calltally.client.once.claims import Wish
from calltally.client.once.decision import Promise
from calltally.client.once.final_state import LONGEST_TEXT, final_state

Clock: TypeAlias = Callable[[], int]

EFFECT: Final = "effect"
LEASE_S: Final = 60.0
_LONGEST_LEASE_S: Final = 366 * 86_400


def inside(event: object, effect: str, clock: Clock | None) -> Wish:
    """An effect in the ledger's own database."""
    return Wish(final_state(event), _named(effect), Promise.SAME_TRANSACTION, reading(clock))


def outside(event: object, effect: str, promise: Promise, lease_s: float, clock: Clock | None) -> Wish:
    """An effect anywhere else."""
    return Wish(final_state(event), _named(effect), promise, reading(clock), lease_of(lease_s))


def reading(clock: Clock | None) -> int | None:
    """The time of the caller's clock in microseconds UTC; None for the database's."""
    return clock() if clock else None


def lease_of(lease_s: float) -> int:
    """A lease in microseconds."""
    if not 0 < lease_s <= _LONGEST_LEASE_S:
        raise InvalidInput.of("lease_s", f"{lease_s} is no lease; give seconds above 0, at most a year")
    return round(lease_s * 1_000_000)


def _named(effect: str) -> str:
    if not effect or "\0" in effect or len(effect) > LONGEST_TEXT:
        raise InvalidInput.of(
            "effect", f"the name of an effect has 1 to {LONGEST_TEXT} characters, none of them NUL"
        )
    return effect
