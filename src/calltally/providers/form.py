"""Form-encoded bodies: the signature and the content are of the same parameters."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from calltally.calls.errors import NotUnderstood
from calltally.providers.callback import Callback

Params: TypeAlias = list[tuple[str, str]]

FORM_TYPE: Final = "application/x-www-form-urlencoded"
# A status callback has 40 or so, a few dozen more with custom SIP headers.
MAX_PARAMS: Final = 1_000
# Theirs have a few KiB. Whoever sends a longer one makes work: it is read before its signature is checked.
MOST_FORM_BYTES: Final = 64 * 1024
_QUOTED_CHARS: Final = 80
# What is longer is not remembered: it is no number.
_REMEMBERED_CHARS: Final = 64
_STRAY_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the body is a form; one without any content type is taken for it."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in ("", FORM_TYPE)


def read_form(body: bytes) -> Params:
    """The parameters in the order sent; raises ValueError for what is not UTF-8, and for far too many."""
    return list(_read_again(body) if len(body) <= MOST_FORM_BYTES else _read(body))


def _read(body: bytes) -> tuple[tuple[str, str], ...]:
    """As `urllib.parse.parse_qsl` would, which takes three times as long."""
    text = body.decode()
    if text.count("&") >= MAX_PARAMS:
        raise ValueError(f"more than {MAX_PARAMS} parameters")
    fields = [field.partition("=") for field in text.replace("+", " ").split("&") if field]
    return tuple(
        [
            (_unquoted(name) if "%" in name else name, _unquoted(value) if "%" in value else value)
            for name, _, value in fields
        ]
    )


# A request is read for its signature and, right after that, for what it says.
_read_again: Final = lru_cache(maxsize=4)(_read)


def _unquoted(text: str) -> str:
    return (_unquoted_again if len(text) <= _REMEMBERED_CHARS else _unquote)(text)


def _unquote(text: str) -> str:
    """Decode the escapes, as `urllib.parse.unquote` would in up to fifty times the time."""
    raw = text.encode().replace(b"\\", rb"\x5c")
    # Twice, since the second of a pair may be the first of the next: a run of them is slow for the pattern.
    raw = raw.replace(b"%%", b"%25%").replace(b"%%", b"%25%")
    # The codec decodes `\x41` without a loop in Python, which 64 KiB of escapes would make long.
    escaped = _STRAY_PERCENT.sub(rb"\\x25", raw).replace(b"%", rb"\x")
    return escaped.decode("unicode_escape").encode("latin-1").decode()


# Each callback of a call has its numbers, twice or thrice.
_unquoted_again: Final = lru_cache(maxsize=4_096)(_unquote)


class Form(NamedTuple):
    """What a request says, and as which bytes it came."""

    params: Params
    raw: bytes

    @property
    def content(self) -> dict[str, str]:
        """The parameters by name; of one that came several times the last."""
        return dict(self.params)


def form_of(callback: Callback) -> Form:
    """The parameters of a request: of its body, or of the query of a GET. Raises NotUnderstood."""
    is_asked = callback.method == "GET" and not callback.body
    raw = urlsplit(callback.url).query.encode() if is_asked else callback.body
    return Form(need_form(raw), raw)


def need_form(body: bytes) -> Params:
    """The parameters of a body that has to be a form; raises NotUnderstood."""
    try:
        params = read_form(body)
    except ValueError as fault:
        raise NotUnderstood(f"the body is not a form in UTF-8: {fault}") from fault
    for name, value in params:
        if "\0" in name or "\0" in value:
            raise NotUnderstood(f"{name!r} {value[:_QUOTED_CHARS]!r}: holds a NUL character")
    return params
