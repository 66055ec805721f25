"""The mapping of errors to HTTP is complete, and its slugs are stable."""

from collections.abc import Iterator

from calltally.calls.errors import CalltallyError
from calltally.web.response.problem_kinds import KINDS
from calltally.web.response.problems import allow_header, escape_surrogates


def tree(error: type[CalltallyError]) -> Iterator[type[CalltallyError]]:
    yield error
    for child in error.__subclasses__():
        yield from tree(child)


# Errors of clients and commands, which no server returns.
BEYOND_HTTP = ("calltally.client", "calltally.cli")


def test_every_error_has_a_status() -> None:
    modules = {error: error.__module__ for error in tree(CalltallyError)}
    ours = {
        error.slug
        for error, module in modules.items()
        if module.startswith("calltally.") and not module.startswith(BEYOND_HTTP)
    }
    assert ours == set(KINDS)


def test_slugs_and_their_status_codes_are_the_contract() -> None:
    assert {slug: kind.status for slug, kind in KINDS.items()} == {
        "invalid-parameter": 400,
        "invalid-body": 400,
        "bad-request": 400,
        "unauthorized": 401,
        "forbidden": 403,
        "wrong-signature": 403,
        "not-found": 404,
        "method-not-allowed": 405,
        "not-acceptable": 406,
        "request-timeout": 408,
        "conflict": 409,
        "erased": 410,
        "snapshot-gone": 410,
        "files-gone": 410,
        "too-large": 413,
        "unsupported-media-type": 415,
        "range-not-satisfiable": 416,
        "events-refused": 422,
        "not-understood": 422,
        "rate-limited": 429,
        "head-too-large": 431,
        "misconfigured": 500,
        "damaged-store": 500,
        "internal": 500,
        "format-unavailable": 501,
        "unavailable": 503,
        "no-files-folder": 503,
    }


def test_allow_has_head_with_get() -> None:
    assert allow_header(["POST", "GET"]) == "GET, HEAD, POST"
    assert allow_header(["POST"]) == "POST"


def test_lone_surrogate_is_escaped() -> None:
    assert escape_surrogates("a\ud800b") == "a\\ud800b"
