"""Declaration of pages, forms and downloads: their rights, error pages and protection against other sites."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from http import HTTPStatus
from types import ModuleType
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Response as FrameworkResponse
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Empty, EmptyType, Receive, Scope, Send

from calltally.calls.errors import CalltallyError, Forbidden
from calltally.web.dashboard.calls.links import non_empty
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.rendering import HTML, redirect, render_page
from calltally.web.dashboard.sign_in.session_cookie import SignedOut
from calltally.web.dashboard.sign_in.visitor import (
    Visitor,
    is_own_form,
    renewed_session,
    require_scope,
    theme_of,
    visitor_of,
)
from calltally.web.openapi.operation import OPERATION_KEY, Operation, one_response
from calltally.web.request.access import CALLS_READ
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.query import Pairs, query_pairs
from calltally.web.response.problems import (
    Problem,
    framework_response,
    handle_exception,
    problem_response,
)
from calltally.web.response.response import Response

HOME: Final = "/"
_MAX_FIELDS: Final = 100
_TAG: Final = "Pages"

PublicPage: TypeAlias = Callable[[AnyRequest], Awaitable[ASGIApp]]
# The pairs are those of the query, or of the form, that are not empty.
VisitorPage: TypeAlias = Callable[[AnyRequest, Visitor, Pairs], Awaitable[Response]]
# Without a response, the form redirects to the page that it came from.
FormAction: TypeAlias = Callable[[AnyRequest, Visitor, Pairs], Awaitable[Response | None]]


def public_page(
    path: str, *, is_form: bool = False, max_bytes: int | EmptyType = Empty
) -> Callable[[PublicPage], HTTPRouteHandler]:
    """Declare a page without a session. Its errors are pages too."""
    operation = page_operation(f"POST {path}" if is_form else path)
    handling: Any = {Exception: _handle_exception}
    return (post if is_form else get)(
        path,
        operation=operation,
        status_code=200,
        exception_handlers=handling,
        request_max_body_size=max_bytes,
    )


def page_operation(named: str) -> Operation:
    """Return the operation of a page. The session authorizes it, without a rate limit."""
    return Operation(
        id=named,
        tag=_TAG,
        summary=named,
        is_rate_limited=False,
        is_negotiated=False,
        parses_query=True,
        responses=one_response(200, "A page.", media_type="text/html"),
        is_published=False,
    )


def page(path: str) -> Callable[[VisitorPage], HTTPRouteHandler]:
    """Declare a page of a signed-in visitor. It renews the session if that is due."""

    def declare(show: VisitorPage) -> HTTPRouteHandler:
        async def handle(request: AnyRequest) -> ASGIApp:
            await dependencies_of(request).page_starts.wait()
            visitor = await visitor_of(request)
            pairs = non_empty(query_pairs(request.scope["query_string"]))
            return _renewing(request, visitor, await show(request, visitor, pairs))

        return public_page(path)(_named(handle, show))

    return declare


def form(path: str, scope: str = CALLS_READ) -> Callable[[FormAction], HTTPRouteHandler]:
    """Declare a form that needs `scope`."""

    def declare(act: FormAction) -> HTTPRouteHandler:
        async def handle(request: AnyRequest) -> ASGIApp:
            visitor, pairs = await _checked_form(request)
            require_scope(visitor, scope)
            response = await act(request, visitor, pairs)
            if response is None:
                return redirect(return_path(pairs))
            return _renewing(request, visitor, response)

        return public_page(path, is_form=True)(_named(handle, act))

    return declare


def download(path: str, handler: HTTPRouteHandler) -> HTTPRouteHandler:
    """Declare the response of the API's `handler`, authorized by the session."""

    async def handle(request: AnyRequest) -> ASGIApp:
        await visitor_of(request)
        response: ASGIApp = await handler.fn(request)
        return response

    return public_page(path)(_named(handle, handler.fn))


def page_handlers(*modules: ModuleType) -> list[HTTPRouteHandler]:
    """Return the pages, forms and downloads that the modules declare."""
    declared = (each for module in modules for each in vars(module).values())
    return [
        each
        for each in declared
        if isinstance(each, HTTPRouteHandler) and each.opt[OPERATION_KEY].tag == _TAG
    ]


def _named(handle: PublicPage, function: Any) -> PublicPage:  # noqa: ANN401 (any function)
    handle.__name__ = function.__name__
    return handle


def _renewing(request: AnyRequest, visitor: Visitor, response: Response) -> Response:
    """Renew the session with a page only: a poll must not keep an idle session alive."""
    if response.media_type == HTML:
        response.headers += renewed_session(request, visitor)
    return response


async def form_pairs(request: AnyRequest) -> Pairs:
    """Return the fields of a form that are not empty; none if the body is invalid."""
    body = await request.body()
    try:
        return tuple(parse_qsl(body.decode(), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return ()


async def _checked_form(request: AnyRequest) -> tuple[Visitor, Pairs]:
    """Return the visitor and the fields of a form. Raises Forbidden without the session's CSRF token."""
    visitor, pairs = await visitor_of(request), await form_pairs(request)
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
    return local_path(dict(pairs).get("next", HOME))


def _handle_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """Convert an exception of a page into the sign-in or an error page; the framework's hook."""
    if isinstance(error, SignedOut):
        return framework_response(_sign_in_redirect(request))
    return _ErrorPage(request, problem_response(request.scope, error))


def handle_any_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """Convert an exception outside the pages: a person's browser gets a page, others a problem document."""
    is_page = not request.scope["path"].startswith("/api/")
    accept = context_of(request.scope).headers.get(b"accept", b"")
    if is_page and HTML.partition(b";")[0] in accept:
        return _ErrorPage(request, problem_response(request.scope, error))
    return handle_exception(request, error)


class _ErrorPage(FrameworkResponse[bytes]):
    """An error as a page, with the frame of the other pages for a visitor who is signed in."""

    def __init__(self, request: AnyRequest, problem: Response) -> None:
        super().__init__(b"", status_code=problem.status)
        self._request = request
        self._problem = problem

    def to_asgi_response(self, *_args: Any, **_options: Any) -> Any:  # noqa: ANN401 (the framework's)
        """Return the application that renders the page; the framework's hook."""
        return self._send

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = msgspec.json.decode(self._problem.body, type=Problem)
        page = render_page(
            "problem.html",
            await self._visitor(),
            {"problem": problem, "here": HOME, "theme": theme_of(self._request)},
            status=self._problem.status,
        )
        page.headers += self._problem.headers
        await page(scope, receive, send)

    async def _visitor(self) -> Visitor | None:
        """Return the visitor; None without a session, or after an error of the service itself."""
        if self._problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return None
        try:
            return await visitor_of(self._request)
        except CalltallyError:
            return None


def _sign_in_redirect(request: AnyRequest) -> Response:
    """Redirect to the sign-in, and for a GET back to the requested page."""
    if request.method != "GET":
        return redirect("/sign-in")
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["path"]
    return redirect(f"/sign-in?{urlencode({'next': f'{path}?{query}' if query else path})}")
