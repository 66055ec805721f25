"""Handlers of /docs/guide: pages of the site as HTML and Markdown, `llms.txt`, and what they load."""

from typing import Final

from litestar import get

from calltally.calls.errors import NotFound
from calltally.web.dashboard.pages import page_operation
from calltally.web.dashboard.rendering import HTML, POLICY, redirect
from calltally.web.guide.site import INDEX, is_built, is_immutable, media_type, site_file
from calltally.web.request.context import AnyRequest, context_of
from calltally.web.response.response import Headers, Response
from calltally.web.response.validators import etag_matches, weak_etag

PATH: Final = "/docs/guide"
# The theme has images in data URLs of its style sheets.
_POLICY: Final[Headers] = tuple(
    (name, policy.replace(b"img-src 'self'", b"img-src 'self' data:")) for name, policy in POLICY
)
_NOT_BUILT: Final = (
    "This installation lacks the documentation site. Run `make docs` in the folder of the repository; wheels"
    " have it already. The pages are in the folder docs."
)


@get(PATH, operation=page_operation(PATH))
async def show_start(request: AnyRequest) -> Response:
    """Return the first page. Its links are relative, so its path ends with a slash."""
    raw_path = (request.scope.get("raw_path") or b"").partition(b"?")[0]
    return _response(request, INDEX) if raw_path.endswith(b"/") else redirect(f"{PATH}/")


@get(f"{PATH}/{{path:path}}", operation=page_operation(f"{PATH}/{{path}}"))
async def show_file(request: AnyRequest) -> Response:
    return _response(request, request.scope["path"].removeprefix(f"{PATH}/"))


def _response(request: AnyRequest, name: str) -> Response:
    """Return a file, or 304 if the client has it. Raises NotFound."""
    content = site_file(name)
    if content is None:
        raise NotFound("The documentation has no such page." if is_built() else _NOT_BUILT)
    context = context_of(request.scope)
    context.is_immutable = is_immutable(name)
    tag = weak_etag(content)
    kind = media_type(name)
    headers = ((b"etag", tag), *(_POLICY if kind == HTML else ()))
    if etag_matches(context.headers.get(b"if-none-match"), tag):
        return Response(b"", status=304, media_type=b"", headers=headers)
    return Response(content, media_type=kind, headers=headers)


GUIDE_HANDLERS: Final = (show_start, show_file)
