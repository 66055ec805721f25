"""Responses to OPTIONS: the methods of a path."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from litestar import route

from calltally.web.openapi.operation import Operation, ResponseSpec
from calltally.web.request.context import AnyRequest
from calltally.web.response.problems import allow_header
from calltally.web.response.response import Response

_METHOD: Final = "OPTIONS"


def options_handlers(handlers: Iterable[Any]) -> list[Any]:
    """Return an OPTIONS handler for each path.

    The framework's own handler knows only one method of a path.
    """
    methods: defaultdict[str, set[str]] = defaultdict(lambda: {_METHOD})
    for handler in handlers:
        for path in handler.paths:
            methods[path] |= {str(method) for method in handler.http_methods}
    return [_options_handler(path, allow_header(named)) for path, named in methods.items()]


def _options_handler(path: str, allowed: str) -> Any:  # noqa: ANN401 (one of the framework's kinds of handler)
    response = Response(b"", status=204, media_type=b"", headers=((b"allow", allowed.encode()),))

    @route(path, http_method=[_METHOD], operation=_operation(path))
    async def options(request: AnyRequest) -> Response:  # noqa: ARG001 (the framework passes it by name)
        return response

    return options


def _operation(path: str) -> Operation:
    responses = {204: ResponseSpec(description="See the Allow header.")}
    summary = "Methods of the path."
    return Operation(
        id=f"options {path}",
        tag="Documents",
        summary=summary,
        responses=responses,
        is_negotiated=False,
        parses_query=True,
        is_published=False,
    )
