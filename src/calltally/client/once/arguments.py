"""Conversion of callers' arguments to claim requests, with checks of names and leases."""

from collections.abc import Callable
from typing import Final, TypeAlias

from calltally.calls.errors import InvalidInput
from calltally.client.once.claims import ClaimRequest
from calltally.client.once.decision import Promise
from calltally.client.once.final_state import MAX_TEXT_CHARS, final_state

Clock: TypeAlias = Callable[[], int]

DEFAULT_EFFECT: Final = "effect"
DEFAULT_LEASE_S: Final = 60.0
_MAX_LEASE_S: Final = 366 * 86_400


def same_transaction_request(event: object, effect: str, clock: Clock | None) -> ClaimRequest:
    """Return the request for an effect in the ledger's own database."""
    return ClaimRequest(
        final_state(event), _checked_name(effect), Promise.SAME_TRANSACTION, read_clock(clock)
    )


def external_request(
    event: object, effect: str, promise: Promise, lease_s: float, clock: Clock | None
) -> ClaimRequest:
    """Return the request for an effect outside the database."""
    return ClaimRequest(
        final_state(event), _checked_name(effect), promise, read_clock(clock), lease_microseconds(lease_s)
    )


def read_clock(clock: Clock | None) -> int | None:
    """Return the time of the caller's clock in microseconds UTC, or None to use the database's."""
    return clock() if clock else None


def lease_microseconds(lease_s: float) -> int:
    """Return a lease in microseconds. Raises InvalidInput if it is not within 0 s and a year."""
    if not 0 < lease_s <= _MAX_LEASE_S:
        raise InvalidInput.of("lease_s", f"{lease_s} is not a lease; use seconds above 0, at most a year")
    return round(lease_s * 1_000_000)


def _checked_name(effect: str) -> str:
    if not effect or "\0" in effect or len(effect) > MAX_TEXT_CHARS:
        raise InvalidInput.of(
            "effect", f"the name of an effect must have 1 to {MAX_TEXT_CHARS} characters without NUL"
        )
    return effect
