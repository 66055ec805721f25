"""Broken variants of bodies: faults of senders, proxies and new versions of an API."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from tests.unit.providers.sampling import FORM, Sent

BROKEN: Final = (
    *(b"", b"\xff\xfe", b"null", b"[]", b"{}", b"7", b'"text"', b"{", b"[" * 10_000, b'{"a":' * 10_000),
    *(b"a=1&" * 2_000, b"CallSid=%FF", b"\0", b'{"a": "\\ud800"}', b"<xml/>", b'{"a": 1e999}'),
    *(b'{"data": []}', b'{"message": 1}', b'{"call": "x", "event": {}}', b'{"payload": null}', b"[[[]]]"),
)
ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, "", "exploded", "x" * 5_000, "nul\0", "\u202e", "half \ud800", "0", "-1", "1e309", "+", " "),
    *(0, -1, 7, 10**30, 1.5, -0.0, True, False, [], {}, ["x"], [{}], {"x": 1}, [[1]], {"id": None}),
    *("99999999999999999999", "2026-13-45T99:99:99Z", "javascript:alert(1)", "NaN"),
)


def broken_variants(sent: Sent) -> Iterator[Sent]:
    """Yield the request with each value missing or odd, and with a cut body."""
    yield from (sent._replace(body=body) for body in (*BROKEN, sent.body[: len(sent.body) // 2]))
    if sent.method == "GET":
        yield from (sent._replace(query=query) for query in _broken_forms(sent.query))
    elif sent.content_type == FORM:
        yield from (sent._replace(body=form.encode()) for form in _broken_forms(sent.body.decode()))
    else:
        for document in broken_documents(json.loads(sent.body)):
            yield sent._replace(body=json.dumps(document).encode())


def broken_documents(value: Any) -> Iterator[Any]:  # noqa: ANN401 (JSON)
    """Yield a JSON value with each of its items missing or odd."""
    yield from ODD_VALUES
    if isinstance(value, dict):
        for name in value:
            yield {key: child for key, child in value.items() if key != name}
            for child in broken_documents(value[name]):
                yield {**value, name: child}
    elif isinstance(value, list):
        for index, each in enumerate(value[:2]):
            for child in broken_documents(each):
                yield [*value[:index], child, *value[index + 1 :]]


def _broken_forms(text: str) -> Iterator[str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    texts = [odd for odd in ODD_VALUES if isinstance(odd, str)]
    for index, (name, _value) in enumerate(pairs):
        yield urlencode(pairs[:index] + pairs[index + 1 :])
        for odd in texts:
            changed = [*pairs[:index], (name, odd), *pairs[index + 1 :]]
            yield urlencode(changed, errors="surrogatepass")
