"""Pure decision about the outcome of a delivery attempt, and the time of the next one."""

from http import HTTPStatus
from typing import Final, NamedTuple

from calltally.calls.times import DAY_US, SECOND_US
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.retry_policy import RetryPolicy, parse_retry_after_s
from calltally.store.webhooks.deliveries import DEAD, DELIVERED, WAITING
from calltally.store.webhooks.dispatch import AttemptResult, DeliveryJob

# Statuses by which a receiver asks for a pause of all requests.
_BACK_OFF_STATUSES: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
# Longest pause that a receiver can ask for.
_MAX_HOLD_S: Final = 3600.0
_RETRY_POLICY: Final = RetryPolicy(first_s=10.0, max_s=8 * 3600.0)
GIVES_UP_AFTER_US: Final = 3 * DAY_US
# Longest Retry-After that is honoured.
_MAX_RETRY_AFTER_S: Final = 24 * 3600.0


class AttemptOutcome(NamedTuple):
    """Outcome of an attempt; `is_gone` if the receiver wants no more events.

    `hold_s` is the pause that the receiver asked for.
    """

    result: AttemptResult
    is_gone: bool
    hold_s: float

    @property
    def is_delivered(self) -> bool:
        return self.result.state == DELIVERED


def decide_outcome(
    job: DeliveryJob, outcome: RequestOutcome, at_us: int, took_us: int, chance: float
) -> AttemptOutcome:
    """Decide the outcome of an attempt by its result, start (UTC) and duration.

    A 2xx delivers; anything else is retried until three days after the first try.
    """
    ended_us = at_us + took_us
    if isinstance(outcome, RequestFailure):
        retry_after_s, status, body = None, None, b""
        reason: str | None = f"{outcome.reason}: {outcome.detail}"
    else:
        status, body = outcome.status, outcome.body
        retry_after_s = parse_retry_after_s(outcome.headers, ended_us / SECOND_US)
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
    reason = "the event's bytes have expired"
    return AttemptResult(job, DEAD, now_us, 0, None, reason, b"", now_us)


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def next_try_us(
    tries: int, started_us: int, now_us: int, *, retry_after_s: float | None, chance: float
) -> int | None:
    """Return the time of the next try; None if it is more than three days after the first.

    `retry_after_s` is the receiver's request: the next try is never sooner. `chance` is from 0 to 1: full
    jitter, so that deliveries that failed together do not return together.
    """
    delay_s = max(_RETRY_POLICY.delay_s(tries, chance), min(retry_after_s or 0.0, _MAX_RETRY_AFTER_S))
    due_us = now_us + int(delay_s * SECOND_US)
    return due_us if due_us <= started_us + GIVES_UP_AFTER_US else None


def event_age_s(job: DeliveryJob, at_us: int) -> float:
    return max(0, at_us - job.created_us) / SECOND_US
