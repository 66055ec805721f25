"""Retries of one request with back-off."""

from itertools import count
from typing import Final

from calltally.client.config import ClientConfig
from calltally.client.errors import ClientError, StreamCut, TooManyRequests, Unavailable, Unreachable
from calltally.client.problems import error_from_answer
from calltally.client.sans_io import BackOff, ClientOperation, IoResult, RequestAttempt, ResponseSink
from calltally.client.wire import Answer, Request
from calltally.retry_policy import RetryPolicy

_RETRIABLE_ERRORS: Final = (Unreachable, TooManyRequests, Unavailable)


def send(
    config: ClientConfig, request: Request, *, sink: ResponseSink | None = None, long_poll_s: float = 0.0
) -> ClientOperation[Answer]:
    """Send a request and return the successful response, whose body goes to the `sink` if there is one.

    Retries a repeatable request within the limits of the policy, with extra time for a long poll. Raises a
    ClientError: Unreachable without a response, a Refusal for an unsuccessful one, UnexpectedAnswer for a
    redirect, which is not followed.
    """
    surroundings, max_s = config.surroundings, config.retries.max_elapsed_s + long_poll_s
    policy, started_s = config.retries._replace(max_elapsed_s=max_s), surroundings.now_s()
    for failures in count(1):
        io_result: IoResult = yield RequestAttempt(
            request, config.timeout_s + long_poll_s, started_s + max_s, sink
        )
        error = _error_in(config, request, io_result)
        if error is None:
            return _successful_answer(io_result)
        if sink is not None and sink.size:
            raise StreamCut(f"the stream broke off after {sink.size} bytes: {error.detail}") from error
        delay_s = policy.delay_s(failures, surroundings.chance(), error.retry_after_s)
        elapsed_s = surroundings.now_s() - started_s + delay_s
        if not (_may_repeat(policy, request, error) and policy.allows_retry(failures, elapsed_s)):
            raise error
        yield BackOff(delay_s)
    raise AssertionError  # pragma: no cover (count() never ends)


def _successful_answer(io_result: IoResult) -> Answer:
    assert isinstance(io_result, Answer)  # noqa: S101 (_error_in has handled all else)
    return io_result


def _error_in(config: ClientConfig, request: Request, io_result: IoResult) -> ClientError | None:
    if isinstance(io_result, Unreachable):
        return io_result
    if io_result is None or io_result.is_good:
        return None
    error = error_from_answer(request, io_result, config.surroundings.wall_s())
    return _without_key(config, error)


def _without_key(config: ClientConfig, error: ClientError) -> ClientError:
    """Remove the key from an error's text: a server that repeats the key must not bring it into logs."""
    hide = config.key.hide_in
    faults = tuple(fault._replace(detail=hide(fault.detail)) for fault in error.faults)
    return type(error)(hide(error.detail), faults, response=error.response)


def _may_repeat(policy: RetryPolicy, request: Request, error: ClientError) -> bool:
    is_temporary = isinstance(error, _RETRIABLE_ERRORS) and (error.retry_after_s or 0.0) <= policy.max_s
    return is_temporary and request.is_repeatable
