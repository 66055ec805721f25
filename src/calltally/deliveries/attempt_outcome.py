"""Pure decision about the outcome of a delivery attempt."""

from http import HTTPStatus
from typing import Final, NamedTuple

from calltally.calls.times import SECOND_US
from calltally.deliveries.retry_schedule import next_try_us, parse_retry_after_s
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.net.http_connection import OutgoingResponse
from calltally.store.webhooks.deliveries import DEAD, DELIVERED, WAITING
from calltally.store.webhooks.dispatch import AttemptResult, DeliveryJob

# Statuses by which a receiver asks for a pause of all requests.
_BACK_OFF_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# Longest pause that a receiver can ask for.
_MAX_HOLD_S: Final = 3600.0


class DeliveryAttempt(NamedTuple):
    """One attempt: its start (microseconds UTC), its duration and its result."""

    at_us: int
    took_us: int
    outcome: RequestOutcome


class AttemptOutcome(NamedTuple):
    """Outcome of an attempt; `is_gone` if the receiver wants no more events.

    `hold_s` is the pause that the receiver asked for.
    """

    result: AttemptResult
    is_gone: bool
    hold_s: float

    @property
    def is_delivered(self) -> bool:
        """True if the receiver accepted the delivery."""
        return self.result.state == DELIVERED


def decide_outcome(job: DeliveryJob, attempt: DeliveryAttempt, chance: float) -> AttemptOutcome:
    """Decide the outcome: a 2xx delivers; anything else is retried until three days after the first try."""
    at_us, took_us, outcome = attempt
    ended_us = at_us + took_us
    if isinstance(outcome, RequestFailure):
        retry_after_s, status, body = None, None, b""
        reason: str | None = f"{outcome.reason}: {outcome.detail}"
    else:
        retry_after_s, status, body = _retry_after_of(outcome, ended_us), outcome.status, outcome.body
        reason = None if _is_success(status) else f"answered {status}"
    if reason is None:
        delivered = AttemptResult(job, DELIVERED, at_us, took_us, status, None, body, ended_us)
        return AttemptOutcome(delivered, is_gone=False, hold_s=0.0)
    is_gone = status == HTTPStatus.GONE
    started_us = job.begun_us if job.begun_us is not None else at_us
    due_us = next_try_us(job.tries + 1, started_us, ended_us, retry_after_s=retry_after_s, chance=chance)
    state = DEAD if due_us is None and not is_gone else WAITING
    result = AttemptResult(job, state, at_us, took_us, status, reason, body, due_us or ended_us)
    hold_s = min(retry_after_s or 0.0, _MAX_HOLD_S) if status in _BACK_OFF_STATUSES else 0.0
    return AttemptOutcome(result, is_gone, hold_s)


def expired_result(job: DeliveryJob, now_us: int) -> AttemptResult:
    """Return the result for an event whose bytes have expired."""
    reason = "the event's bytes have expired"
    return AttemptResult(job, DEAD, now_us, 0, None, reason, b"", now_us)


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _retry_after_of(response: OutgoingResponse, now_us: int) -> float | None:
    return parse_retry_after_s(response.headers.get("retry-after"), now_us)


def event_age_s(job: DeliveryJob, at_us: int) -> float:
    """Return the age of the event at an attempt."""
    return max(0, at_us - job.created_us) / SECOND_US
