"""What people and tools read about the service: `/openapi.json`, `/docs`, `/docs/problems`, `/schemas`, `/`.

All made once, when the application is; nothing is fetched from elsewhere, so they work offline.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import get

from calltally.web.openapi.docs_page import docs_page, home_page, problems_page
from calltally.web.openapi.document import openapi_document
from calltally.web.openapi.event_schemas import event_schemas
from calltally.web.openapi.operation import Answer, Operation
from calltally.web.request.context import AnyRequest
from calltally.web.response.response import Headers, Reply

HTML: Final = b"text/html; charset=utf-8"
CSS: Final = b"text/css; charset=utf-8"
SCHEMA: Final = b"application/schema+json"
_POLICY: Final[Headers] = (
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; base-uri 'none'"),
)


def documents(handlers: Sequence[Any], public_url: str | None) -> list[Any]:
    """The handlers of all documents about `handlers`."""
    document = openapi_document(handlers, public_url)
    style = files("calltally.web").joinpath("pages", "style.css").read_bytes()
    return [
        _constant("/openapi.json", Reply(msgspec.json.encode(document))),
        _constant("/docs", _page(docs_page(document))),
        _constant("/docs/problems", _page(problems_page())),
        _constant("/docs/style.css", Reply(style, media_type=CSS)),
        _constant("/", _page(home_page())),
        *[_constant(path, _schema(schema)) for path, schema in event_schemas()],
    ]


def _schema(schema: dict[str, Any]) -> Reply:
    return Reply(msgspec.json.encode(schema), media_type=SCHEMA)


def _page(html: str) -> Reply:
    return Reply(html.encode(), media_type=HTML, headers=_POLICY)


def _constant(path: str, reply: Reply) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    """A handler that gives the same answer to everybody."""

    @get(path, operation=_operation(path))
    async def answer(request: AnyRequest) -> Reply:  # noqa: ARG001 (the framework passes it by name)
        return reply

    return answer


def _operation(path: str) -> Operation:
    return Operation(
        id=path,
        tag="Documents",
        summary=path,
        negotiated=False,
        published=False,
        answers={200: Answer(meaning="The same for everybody.")},
    )
