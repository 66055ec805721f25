"""Form-encoded bodies: the signature and the content are of the same parameters."""

from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from calltally.calls.errors import NotUnderstood

Params: TypeAlias = list[tuple[str, str]]

FORM_TYPE: Final = "application/x-www-form-urlencoded"
# A status callback has 40 or so, a few dozen more with custom SIP headers.
MAX_PARAMS: Final = 1_000
_QUOTED_CHARS: Final = 80


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the body is a form; one without any content type is taken for it."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in ("", FORM_TYPE)


def read_form(body: bytes) -> Params:
    """The parameters in the order sent; raises ValueError for what is not UTF-8, and for far too many."""
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMS)


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
