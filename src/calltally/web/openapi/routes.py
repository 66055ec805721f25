"""Documents about the service: `/openapi.json`, `/docs`, `/docs/problems`, `/schemas`.

They load nothing from other servers, so they work offline.
"""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

import msgspec
from litestar import get

from calltally.web.dashboard.rendering import (
    HTML,
    POLICY,
    REFERENCE_SCRIPT,
    REFERENCE_STYLE,
    asset_path,
    built_path,
)
from calltally.web.openapi.document import openapi_document
from calltally.web.openapi.event_schemas import event_schemas
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.context import AnyRequest
from calltally.web.response.problem_kinds import KINDS, ProblemKind
from calltally.web.response.response import Headers, Response

CSS: Final = b"text/css; charset=utf-8"
SCHEMA: Final = b"application/schema+json"
_POLICY: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; base-uri 'none'"),
)
# The policy of the dashboard, plus data URLs for images in Swagger UI's style sheet.
_REFERENCE_POLICY: Final[Headers] = tuple(
    (name, policy.replace(b"img-src 'self'", b"img-src 'self' data:")) for name, policy in POLICY
)

# Pages of the guide that help with a problem.
_GUIDE_PAGES: Final = {
    "wrong-signature": "how-to/troubleshoot.html#my-callbacks-are-refused",
    "erased": "how-to/erase-a-call.html",
    "snapshot-gone": "how-to/page-through-a-window.html",
    "files-gone": "how-to/export-as-a-job.html",
    "events-refused": "how-to/send-own-events.html",
    "not-understood": "how-to/replay-dead-letters.html",
    "unavailable": "how-to/troubleshoot.html#the-service-does-not-start",
}


def _operation(path: str) -> Operation:
    return Operation(
        id=path,
        tag="Documents",
        summary=path,
        is_negotiated=False,
        responses=one_response(200, "The document."),
        is_published=False,
    )


def document_handlers(handlers: Sequence[Any], public_url: str | None) -> list[Any]:
    """Return the handlers of all documents about `handlers`."""
    document = openapi_document(handlers, public_url)
    style = files("calltally.web").joinpath("pages", "style.css").read_bytes()
    return [
        _constant("/openapi.json", Response(msgspec.json.encode(document))),
        _show_reference,
        _constant("/docs/problems", _page(problems_page())),
        _constant("/docs/style.css", Response(style, media_type=CSS)),
        *[
            _constant(path, Response(msgspec.json.encode(schema), media_type=SCHEMA))
            for path, schema in event_schemas()
        ],
    ]


def _page(html: str) -> Response:
    return Response(html.encode(), media_type=HTML, headers=_POLICY)


@get("/docs", operation=_operation("/docs"))
async def _show_reference(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
    """Return the API reference. It is built at the first request, because the library is large."""
    return Response(reference_page().encode(), media_type=HTML, headers=_REFERENCE_POLICY)


def _constant(path: str, response: Response) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    @get(path, operation=_operation(path))
    async def answer(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
        return response

    return answer


def _template(name: str) -> Template:
    return Template(files("calltally.web").joinpath("pages", name).read_text(encoding="utf-8"))


_FRAME: Final = _template("frame.html")
_REFERENCE: Final = _template("reference.html")
_NOT_BUILT: Final = (
    "<p>This installation lacks Swagger UI, which renders the API reference. Run <code>make setup</code>"
    " in the folder of the repository and start the service again. Wheels have it already.</p>"
    '<p><a href="/openapi.json">openapi.json</a> has the same content for machines (OpenAPI 3.1).</p>'
)


def problems_page() -> str:
    """Return the page of all problems, each with the anchor that its `type` names."""
    return _frame(
        "Problems",
        "<p>Every error response is <code>application/problem+json</code> (RFC 9457). Its <code>type</code>"
        " links to a problem on this page, <code>errors</code> names each invalid parameter, and"
        " <code>request_id</code> identifies the request in the server's log.</p>"
        + "".join(map(_kind, KINDS.values())),
    )


def reference_page() -> str:
    library, style = built_path(REFERENCE_SCRIPT), built_path(REFERENCE_STYLE)
    if library is None or style is None:
        return _frame("API", _NOT_BUILT)
    return _REFERENCE.substitute(
        library=library,
        library_style=style,
        icon=asset_path("mark.svg"),
        style=asset_path("reference.css"),
        script=asset_path("reference.js"),
    )


def _frame(title: str, body: str) -> str:
    return _FRAME.substitute(title=escape(title), body=body)


def _text(text: str) -> str:
    """Escape text and convert backquotes to code elements."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(pieces))


def _kind(kind: ProblemKind) -> str:
    slug = escape(kind.slug)
    return (
        f'<section id="{slug}"><h2><a href="#{slug}">{slug}</a></h2>'
        f"<p><strong>{kind.status}</strong> {escape(kind.title)}. {_text(kind.description)}</p>"
        f"{_guide_link(kind.slug)}</section>"
    )


def _guide_link(slug: str) -> str:
    page = _GUIDE_PAGES.get(slug)
    return f'<p><a href="/docs/guide/{page}">What to do</a></p>' if page else ""
