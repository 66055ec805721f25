"""RetryPolicy of one request."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.client import errors
from calltally.client.errors import ClientError, TooManyRequestsError, UnavailableError, Unreachable
from calltally.client.retries import send
from calltally.client.transport import AttemptResult
from calltally.client.wire import Answer, Request
from calltally.retry_policy import RetryPolicy
from tests.unit.client.canned import KEY, WALL_S, Canned, good, in_sequence, problem

REQUEST = Request("GET", "/api/v1/call-logs")
BUSY = problem(503, "unavailable", "busy")
TEMPORARY_ERRORS = [*(Answer(status, {}) for status in (429, 502, 503, 504)), Unreachable("reset")]


def limited(**headers: str) -> Answer:
    return Answer(429, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("temporary_error", TEMPORARY_ERRORS, ids=str)
def test_temporary_errors_are_retried(temporary_error: AttemptResult) -> None:
    canned = Canned(in_sequence(temporary_error, temporary_error, good({})))
    assert canned.run(send(canned, REQUEST)).body == b"{}"
    assert canned.clockwork.slept == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 418, 500, 501])
def test_permanent_errors_are_raised_at_once(status: int) -> None:
    canned = Canned(in_sequence(Answer(status, {})))
    with pytest.raises(ClientError) as caught:
        canned.run(send(canned, REQUEST))
    assert caught.value.status == status
    assert canned.clockwork.slept == []


@pytest.mark.parametrize("temporary_error", TEMPORARY_ERRORS, ids=str)
def test_number_of_tries_is_limited(temporary_error: AttemptResult) -> None:
    canned = Canned(lambda _request: temporary_error, RetryPolicy(tries=3))
    with pytest.raises(ClientError):
        canned.run(send(canned, REQUEST))
    assert len(canned.attempts) == 3


@pytest.mark.parametrize(
    ("request_", "tries"),
    [
        (Request("POST", "/api/v1/events", body=b"[]"), 1),
        (Request("POST", "/api/v1/events", body=b"[]", is_idempotent=True), 2),
        (Request("HEAD", "/api/v1/call-logs"), 2),
    ],
)
def test_only_idempotent_requests_are_retried(request_: Request, tries: int) -> None:
    canned = Canned(lambda _request: BUSY, RetryPolicy(tries=2))
    with pytest.raises(UnavailableError):
        canned.run(send(canned, request_))
    assert len(canned.attempts) == tries


@given(
    chance=st.floats(0, 1, exclude_max=True),
    retries=st.builds(
        RetryPolicy,
        tries=st.integers(1, 30),
        first_s=st.floats(0, 10),
        max_s=st.floats(0, 100),
        max_elapsed_s=st.floats(0, 1_000),
    ),
    waits=st.lists(st.none() | st.integers(0, 200), min_size=30, max_size=30),
)
def test_every_schedule_stays_within_its_bounds(
    chance: float, retries: RetryPolicy, waits: list[int | None]
) -> None:
    remaining = iter(waits)

    def busy(_request: Request) -> AttemptResult:
        wait_s = next(remaining)
        return limited() if wait_s is None else limited(retry_after=str(wait_s))

    canned = Canned(busy, retries)
    canned.clockwork.surroundings = canned.clockwork.surroundings._replace(chance=lambda: chance)
    canned.config = canned.config._replace(surroundings=canned.clockwork.surroundings)
    with pytest.raises(TooManyRequestsError):
        canned.run(send(canned, REQUEST))
    slept = canned.clockwork.slept
    assert len(slept) == len(canned.attempts) - 1 < retries.tries
    assert sum(slept) <= retries.max_elapsed_s
    for number, (slept_s, wait_s) in enumerate(zip(slept, waits, strict=False)):
        least_s = wait_s or 0
        jitter_s = retries.first_s if wait_s is not None else min(retries.first_s * 2**number, retries.max_s)
        assert least_s <= slept_s <= least_s + jitter_s


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"retry_after": "7"}, 7.5),
        ({"retry_after": " 7 "}, 7.5),
        ({"retry_after": formatdate(WALL_S + 20, usegmt=True)}, 20.5),
        # The server's clock is an hour off, as its Date shows.
        (
            {
                "retry_after": formatdate(WALL_S + 3_620, usegmt=True),
                "date": formatdate(WALL_S + 3_600, usegmt=True),
            },
            20.5,
        ),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:37"}, 0.5),
        ({"retry_after": "soon"}, 0.5),
        ({"retry_after": "-1"}, 0.5),
        ({"retry_after": "Sun, 99 Nov 1994 08:49:37 GMT"}, 0.5),
    ],
)
def test_retry_after_is_respected(headers: dict[str, str], slept: float) -> None:
    canned = Canned(in_sequence(limited(**headers), good({})))
    canned.run(send(canned, REQUEST))
    assert canned.clockwork.slept == [slept]


@pytest.mark.parametrize("wait_s", ["61", "999999999"])
def test_retry_after_beyond_the_limit_raises_at_once(wait_s: str) -> None:
    canned = Canned(in_sequence(limited(retry_after=wait_s)))
    with pytest.raises(TooManyRequestsError) as caught:
        canned.run(send(canned, REQUEST))
    assert caught.value.retry_after_s == float(wait_s)
    assert canned.clockwork.slept == []


def test_total_time_of_all_tries_is_limited() -> None:
    canned = Canned(lambda _request: limited(retry_after="50"), RetryPolicy(max_elapsed_s=120))
    with pytest.raises(TooManyRequestsError):
        canned.run(send(canned, REQUEST))
    assert canned.clockwork.slept == [50.5, 50.5]
    assert {attempt.ends_s for attempt in canned.attempts} == {1_120.0}


def test_redirect_is_an_error_and_not_followed() -> None:
    canned = Canned(in_sequence(Answer(308, {"location": "https://else.example.com/"})))
    with pytest.raises(errors.UnexpectedAnswer, match=r"redirects to https://else.example.com/, .* base URL"):
        canned.run(send(canned, REQUEST))
    assert len(canned.attempts) == 1


def test_not_modified_is_successful() -> None:
    canned = Canned(in_sequence(Answer(304, {})))
    assert canned.run(send(canned, REQUEST)).status == 304


def test_key_in_an_error_response_is_masked() -> None:
    faults = [{"parameter": "key", "detail": f"{KEY} is not good"}]
    canned = Canned(in_sequence(problem(401, "unauthorized", f"who is {KEY}?", errors=faults)))
    with pytest.raises(errors.UnauthorizedError) as caught:
        canned.run(send(canned, REQUEST))
    assert KEY not in f"{caught.value!r}{caught.value}{caught.value.faults}"
    assert "who is …?" in caught.value.detail
