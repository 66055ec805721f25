"""Retries of one request with back-off."""

from itertools import count
from typing import Final

from calltally.client.config import ClientConfig
from calltally.client.errors import ClientError, StreamCut, TooManyRequests, Unavailable, Unreachable
from calltally.client.problems import error_from_answer
from calltally.client.sans_io import BackOff, ClientOperation, IoResult, RequestAttempt, ResponseSink
from calltally.client.wire import Answer, Request

_RETRIABLE_ERRORS: Final = (Unreachable, TooManyRequests, Unavailable)


def send(config: ClientConfig, request: Request) -> ClientOperation[Answer]:
    """Send a request and return the successful response.

    Retries a repeatable request within the limits of `Retries`. Raises a ClientError: Unreachable without a
    response, a Refusal for an unsuccessful one, UnexpectedAnswer for a redirect, which is not followed.
    """
    return (yield from send_with_retries(config, request))


def send_with_retries(
    config: ClientConfig, request: Request, *, sink: ResponseSink | None = None, long_poll_s: float = 0.0
) -> ClientOperation[Answer]:
    """Send a request as `send` does, with extra time for a long poll, or with a sink for the body."""
    ends_s = config.surroundings.now_s() + config.retries.together_s + long_poll_s
    for tried in count(1):
        io_result: IoResult = yield RequestAttempt(request, config.timeout_s + long_poll_s, ends_s, sink)
        error = _error_in(config, request, io_result)
        if error is None:
            return _successful_answer(io_result)
        if sink is not None and sink.size:
            raise StreamCut(f"the stream broke off after {sink.size} bytes: {error.detail}") from error
        back_off_s = _back_off_s(config, error, tried) if request.is_repeatable else None
        if back_off_s is None or config.surroundings.now_s() + back_off_s >= ends_s:
            raise error
        yield BackOff(back_off_s)
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


def _back_off_s(config: ClientConfig, error: ClientError, tried: int) -> float | None:
    """Return the seconds to wait before the next try, or None if there must be no other."""
    retries, chance = config.retries, config.surroundings.chance
    if not isinstance(error, _RETRIABLE_ERRORS) or tried >= retries.tries:
        return None
    if error.retry_after_s is None:
        longest_s: float = min(retries.first_s * 2.0 ** (tried - 1), retries.longest_s)
        return chance() * longest_s
    if error.retry_after_s > retries.longest_s:
        return None
    # Jitter, because all clients that received the same Retry-After would return at the same instant.
    return error.retry_after_s + chance() * retries.first_s
