"""Documents about the service: `/openapi.json`, `/docs`, `/docs/problems`, `/schemas`, `/`.

They load nothing from other servers, so they work offline.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import get

from calltally.web.dashboard.rendering import HTML, POLICY
from calltally.web.openapi.docs_page import home_page, problems_page, reference_page
from calltally.web.openapi.document import openapi_document
from calltally.web.openapi.event_schemas import event_schemas
from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.context import AnyRequest
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


def _operation(path: str) -> Operation:
    return Operation(
        id=path,
        tag="Documents",
        summary=path,
        is_negotiated=False,
        is_published=False,
        responses={200: ResponseSpec(description="The document.")},
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
        _constant("/", _page(home_page())),
        *[_constant(path, _schema(schema)) for path, schema in event_schemas()],
    ]


def _schema(schema: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(schema), media_type=SCHEMA)


def _page(html: str) -> Response:
    return Response(html.encode(), media_type=HTML, headers=_POLICY)


@get("/docs", operation=_operation("/docs"))
async def _show_reference(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
    """Return the API reference. It is built at the first request, because the library is large."""
    return Response(reference_page().encode(), media_type=HTML, headers=_REFERENCE_POLICY)


def _constant(path: str, response: Response) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    """Return a handler with a constant response."""

    @get(path, operation=_operation(path))
    async def answer(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
        return response

    return answer
