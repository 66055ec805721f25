"""Documents about the service: `/openapi.json`, `/docs`, `/docs/problems`, `/schemas`, `/`.

Nothing is fetched from elsewhere, so they work offline.
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
from calltally.web.openapi.operation import Answer, Operation
from calltally.web.request.context import AnyRequest
from calltally.web.response.response import Headers, Reply

CSS: Final = b"text/css; charset=utf-8"
SCHEMA: Final = b"application/schema+json"
_POLICY: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; base-uri 'none'"),
)
# That of the dashboard's pages, and images that stand in the style sheet of Swagger UI.
_REFERENCE_POLICY: Final[Headers] = tuple(
    (name, policy.replace(b"img-src 'self'", b"img-src 'self' data:")) for name, policy in POLICY
)


def _operation(path: str) -> Operation:
    return Operation(
        id=path,
        tag="Documents",
        summary=path,
        negotiated=False,
        published=False,
        answers={200: Answer(meaning="The same for everybody.")},
    )


def documents(handlers: Sequence[Any], public_url: str | None) -> list[Any]:
    """The handlers of all documents about `handlers`."""
    document = openapi_document(handlers, public_url)
    style = files("calltally.web").joinpath("pages", "style.css").read_bytes()
    return [
        _constant("/openapi.json", Reply(msgspec.json.encode(document))),
        _show_reference,
        _constant("/docs/problems", _page(problems_page())),
        _constant("/docs/style.css", Reply(style, media_type=CSS)),
        _constant("/", _page(home_page())),
        *[_constant(path, _schema(schema)) for path, schema in event_schemas()],
    ]


def _schema(schema: dict[str, Any]) -> Reply:
    return Reply(msgspec.json.encode(schema), media_type=SCHEMA)


def _page(html: str) -> Reply:
    return Reply(html.encode(), media_type=HTML, headers=_POLICY)


@get("/docs", operation=_operation("/docs"))
async def _show_reference(request: AnyRequest) -> Reply:  # noqa: ARG001 (the framework passes it by name)
    """The reference of the API. Read when it is first asked for, since its library is large."""
    return Reply(reference_page().encode(), media_type=HTML, headers=_REFERENCE_POLICY)


def _constant(path: str, reply: Reply) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    """A handler that gives the same answer to everybody."""

    @get(path, operation=_operation(path))
    async def answer(request: AnyRequest) -> Reply:  # noqa: ARG001 (the framework passes it by name)
        return reply

    return answer
