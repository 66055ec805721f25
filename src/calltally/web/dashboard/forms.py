"""What people send with a button: read, and taken only from a page of ours and of this very session."""

from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl

from calltally.calls.errors import Forbidden
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import Visitor, is_own_form, visitor_of
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import Pairs

HOME: Final = "/calls"
_MOST_FIELDS: Final = 100


async def form_pairs(request: AnyRequest) -> Pairs:
    """The fields of a form; what cannot be read is as if it had not been sent."""
    body = await request.body()
    try:
        return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return ()


async def checked_form(request: AnyRequest) -> tuple[Visitor, Pairs]:
    """A form of somebody who is signed in. Raises Forbidden where it does not carry the session's token."""
    visitor = await visitor_of(request)
    pairs = await form_pairs(request)
    # As bytes: texts are compared only where they are ASCII, and anybody may send others.
    has_token = compare_digest(dict(pairs).get("csrf", "").encode(), visitor.session.csrf.encode())
    if not is_own_form(request) or not has_token:
        raise Forbidden(text("other_site"))
    return visitor, pairs


def local_path(path: str) -> str:
    """A path of this service and of no other: two slashes, of either kind, lead elsewhere."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_path and path.isprintable() and path.isascii() else HOME


def return_path(pairs: Pairs) -> str:
    """Where the form wants to lead to, where that is a place of ours."""
    return local_path(dict(pairs).get("next", HOME))
