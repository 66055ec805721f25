"""One request, tried until it is answered or must be given up."""

from itertools import count
from typing import Final

from calltally.client.config import Plan
from calltally.client.errors import ClientError, StreamCut, TooManyRequests, Unavailable, Unreachable
from calltally.client.problems import error_of
from calltally.client.sans_io import Attempt, Pause, Reply, Sink, Talk
from calltally.client.wire import Answer, Request

_WORTH_TRYING: Final = (Unreachable, TooManyRequests, Unavailable)


def send(plan: Plan, request: Request) -> Talk[Answer]:
    """Send a request; returns a good answer.

    Tries again as `Retries` says, where the request may be repeated. Raises a ClientError: Unreachable where
    no answer came, a Refusal for one without success, UnexpectedAnswer for a redirect, which is not
    followed.
    """
    return (yield from send_within(plan, request))


def send_within(
    plan: Plan, request: Request, *, into: Sink | None = None, patience_s: float = 0.0
) -> Talk[Answer]:
    """The same for a server that was asked to hold its answer back, or for a body that goes into a sink."""
    ends_s = plan.surroundings.now_s() + plan.retries.together_s + patience_s
    for tried in count(1):
        reply: Reply = yield Attempt(request, plan.timeout_s + patience_s, ends_s, into)
        error = _fault_in(plan, request, reply)
        if error is None:
            return _good(reply)
        if into is not None and into.size:
            raise StreamCut(f"the stream broke off after {into.size} bytes: {error.detail}") from error
        pause_s = _pause_s(plan, error, tried) if request.may_repeat else None
        if pause_s is None or plan.surroundings.now_s() + pause_s >= ends_s:
            raise error
        yield Pause(pause_s)
    raise AssertionError  # pragma: no cover (there is no end to counting)


def _good(reply: Reply) -> Answer:
    assert isinstance(reply, Answer)  # noqa: S101 (anything else is an error, and was looked at)
    return reply


def _fault_in(plan: Plan, request: Request, reply: Reply) -> ClientError | None:
    if isinstance(reply, Unreachable):
        return reply
    if reply is None or reply.is_good:
        return None
    error = error_of(request, reply, plan.surroundings.wall_s())
    return _without_key(plan, error)


def _without_key(plan: Plan, error: ClientError) -> ClientError:
    """Nobody's log should hold the key because a server repeated it."""
    hide = plan.key.hide_in
    faults = tuple(fault._replace(detail=hide(fault.detail)) for fault in error.faults)
    return type(error)(hide(error.detail), faults, told=error.told)


def _pause_s(plan: Plan, error: ClientError, tried: int) -> float | None:
    """How long to wait before another try; None where there must be none."""
    retries, chance = plan.retries, plan.surroundings.chance
    if not isinstance(error, _WORTH_TRYING) or tried >= retries.tries:
        return None
    if error.retry_after_s is None:
        longest_s: float = min(retries.first_s * 2.0 ** (tried - 1), retries.longest_s)
        return chance() * longest_s
    if error.retry_after_s > retries.longest_s:
        return None
    # Not all at the same instant, of those who were told the same.
    return error.retry_after_s + chance() * retries.first_s
