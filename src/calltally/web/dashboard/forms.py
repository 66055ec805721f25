"""Forms, and their protection against cross-site requests."""

from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl

from calltally.calls.errors import Forbidden
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import Visitor, is_own_form, visitor_of
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import Pairs

HOME: Final = "/calls"
_MAX_FIELDS: Final = 100


async def form_pairs(request: AnyRequest) -> Pairs:
    """Return the fields of a form; none if the body is invalid."""
    body = await request.body()
    try:
        return tuple(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        return ()


async def checked_form(request: AnyRequest) -> tuple[Visitor, Pairs]:
    """Return the visitor and the fields of a form. Raises Forbidden without the session's CSRF token."""
    visitor = await visitor_of(request)
    pairs = await form_pairs(request)
    # As bytes: `compare_digest` accepts only ASCII texts, and a client can send others.
    has_token = compare_digest(dict(pairs).get("csrf", "").encode(), visitor.session.csrf.encode())
    if not is_own_form(request) or not has_token:
        raise Forbidden(text("other_site"))
    return visitor, pairs


def local_path(path: str) -> str:
    """Return a path of this service, or the home page: paths with two leading slashes lead elsewhere."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_path and path.isprintable() and path.isascii() else HOME


def return_path(pairs: Pairs) -> str:
    """Return the path to redirect to after the form."""
    return local_path(dict(pairs).get("next", HOME))
