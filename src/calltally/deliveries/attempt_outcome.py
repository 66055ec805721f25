"""Pure decision about the outcome of a delivery attempt. `retry_schedule` has the time of the next one."""

from http import HTTPStatus
from typing import NamedTuple

from calltally.calls.times import SECOND_US
from calltally.deliveries.retry_schedule import next_try_us, requested_pause_s
from calltally.net.http_client import RequestFailure, RequestOutcome
from calltally.retry_policy import parse_retry_after_s
from calltally.store.webhooks.deliveries import DEAD, DELIVERED, WAITING
from calltally.store.webhooks.dispatch import AttemptResult, DeliveryJob


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
    return AttemptOutcome(result, is_gone, requested_pause_s(status, retry_after_s))


def expired_result(job: DeliveryJob, now_us: int) -> AttemptResult:
    reason = "the content of the event has expired and is no longer stored"
    return AttemptResult(job, DEAD, now_us, 0, None, reason, b"", now_us)


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def event_age_s(job: DeliveryJob, at_us: int) -> float:
    return max(0, at_us - job.created_us) / SECOND_US
