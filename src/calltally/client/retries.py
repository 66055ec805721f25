"""Retries of one request with back-off."""

from itertools import count
from typing import Final

from calltally.client.config import ClientConfig
from calltally.client.errors import (
    ClientError,
    StreamCut,
    TooManyRequestsError,
    UnavailableError,
    Unreachable,
)
from calltally.client.problems import error_from_answer
from calltally.client.transport import AttemptResult, RequestAttempt, ResponseSink, Session
from calltally.client.wire import Answer, Request

_RETRIABLE_ERRORS: Final = (Unreachable, TooManyRequestsError, UnavailableError)


async def send(session: Session, request: Request) -> Answer:
    """Send a request and return the successful response.

    Retries a repeatable request within the limits of the policy. Raises a ClientError: Unreachable without a
    response, a Refusal for an unsuccessful one, UnexpectedAnswer for a redirect, which is not followed.
    """
    return await send_with(session, request)


async def send_with(
    session: Session,
    request: Request,
    *,
    sink: ResponseSink | None = None,
    long_poll_s: float = 0.0,
    accepts: int | None = None,
) -> Answer:
    """Send a request like `send`. The body goes to the `sink`; a long poll gets extra time.

    The status `accepts` counts as success.
    """
    config, surroundings = session.config, session.config.surroundings
    max_s = config.retries.max_elapsed_s + long_poll_s
    policy, started_s = config.retries._replace(max_elapsed_s=max_s), surroundings.now_s()
    attempt = RequestAttempt(request, config.timeout_s + long_poll_s, started_s + max_s, sink)
    for failures in count(1):
        result = await session.transport.send(attempt)
        if isinstance(result, Answer) and (result.is_good or result.status == accepts):
            return result
        error = _error_in(config, request, result)
        if sink is not None and sink.size:
            raise StreamCut(f"the stream broke off after {sink.size} bytes: {error.detail}") from error
        delay_s = policy.delay_s(failures, surroundings.chance(), error.retry_after_s)
        elapsed_s = surroundings.now_s() - started_s + delay_s
        is_temporary = isinstance(error, _RETRIABLE_ERRORS) and (error.retry_after_s or 0.0) <= policy.max_s
        may_repeat = is_temporary and request.is_repeatable
        if not (may_repeat and policy.allows_retry(failures, elapsed_s)):
            raise error
        await session.transport.sleep(delay_s)
    raise AssertionError  # pragma: no cover (count() never ends)


def _error_in(config: ClientConfig, request: Request, result: AttemptResult) -> ClientError:
    """Return the error, without the key: a server that repeats the key must not bring it into logs."""
    if isinstance(result, Unreachable):
        return result
    error = error_from_answer(request, result, config.surroundings.wall_s())
    hide = config.key.hide_in
    faults = tuple(fault._replace(detail=hide(fault.detail)) for fault in error.faults)
    return type(error)(hide(error.detail), faults, response=error.response)
