"""Form-encoded bodies, parsed once for the signature and for the content."""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from calltally.calls.errors import NotUnderstood
from calltally.providers.callback import Callback

Params: TypeAlias = list[tuple[str, str]]

FORM_TYPE: Final = "application/x-www-form-urlencoded"
# A status callback has about 40 parameters, and a few dozen more with custom SIP headers.
MAX_PARAMS: Final = 1_000
# Providers' forms have a few KiB. The limit bounds the work before the signature is verified.
MAX_FORM_BYTES: Final = 64 * 1024
# Longer values are not cached: only numbers repeat.
_MAX_CACHED_CHARS: Final = 64
# No provider sends an invalid escape. Each costs more than a valid one.
MAX_STRAY_PERCENTS: Final = 1_000
_STRAY_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def is_form(headers: Mapping[str, str]) -> bool:
    """Return whether the body is a form; a request without a content type counts as one."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in ("", FORM_TYPE)


def parse_form(body: bytes) -> Params:
    """Return the parameters in the order sent; raise ValueError unless UTF-8, and for too many."""
    return list(_cached_parse(body) if len(body) <= MAX_FORM_BYTES else _parse(body))


def _parse(body: bytes) -> tuple[tuple[str, str], ...]:
    """Parse like `urllib.parse.parse_qsl`, in a third of its time."""
    text = body.decode()
    if text.count("&") >= MAX_PARAMS:
        raise ValueError(f"more than {MAX_PARAMS} parameters")
    if _has_many_stray_percents(body):
        raise ValueError(f"more than {MAX_STRAY_PERCENTS} invalid escapes")
    fields = [field.partition("=") for field in text.replace("+", " ").split("&") if field]
    return tuple(
        [
            (
                _decode_escapes(name) if "%" in name else name,
                _decode_escapes(value) if "%" in value else value,
            )
            for name, _, value in fields
        ]
    )


def _has_many_stray_percents(body: bytes) -> bool:
    """Stop after the limit: a search of 64 KiB of stray percent signs takes 3 ms."""
    strays = _STRAY_PERCENT.finditer(body) if body.count(b"%") > MAX_STRAY_PERCENTS else iter(())
    return next(islice(strays, MAX_STRAY_PERCENTS, None), None) is not None


# Each request is parsed twice in a row: for its signature, then for its content.
_cached_parse: Final = lru_cache(maxsize=4)(_parse)


def _decode_escapes(text: str) -> str:
    return (_cached_unquote if len(text) <= _MAX_CACHED_CHARS else _unquote)(text)


def _unquote(text: str) -> str:
    """Decode the escapes like `urllib.parse.unquote`, which takes up to fifty times as long."""
    raw = text.encode().replace(b"\\", rb"\x5c")
    # Replace twice, since pairs may overlap: the pattern below is slow for a run of percent signs.
    raw = raw.replace(b"%%", b"%25%").replace(b"%%", b"%25%")
    # The codec decodes `\x41` without a Python loop, which would be slow for 64 KiB of escapes.
    escaped = _STRAY_PERCENT.sub(rb"\\x25", raw).replace(b"%", rb"\x")
    return escaped.decode("unicode_escape").encode("latin-1").decode()


# Each callback of a call repeats its numbers two or three times.
_cached_unquote: Final = lru_cache(maxsize=4_096)(_unquote)


class Form(NamedTuple):
    """Parameters of a request, and the bytes that they came in."""

    params: Params
    raw: bytes

    @property
    def content(self) -> dict[str, str]:
        """Return the parameters by name; the last value of a repeated name."""
        return dict(self.params)


def form_of(callback: Callback) -> Form:
    """Return the parameters of a body, or of the query of a GET. Raise NotUnderstood for other content."""
    is_query = callback.method == "GET" and not callback.body
    raw = urlsplit(callback.url).query.encode() if is_query else callback.body
    return Form(require_form(raw), raw)


def require_form(body: bytes) -> Params:
    """Return the parameters of a body that must be a form; raise NotUnderstood otherwise."""
    try:
        return parse_form(body)
    except ValueError as fault:
        raise NotUnderstood(f"the body is not a UTF-8 form: {fault}") from fault
