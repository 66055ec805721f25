"""Path segments exactly as the client sent them, and the public URL of a request, which providers sign."""

from urllib.parse import unquote

from calltally.calls.errors import NotFound
from calltally.calls.identity import parse_uuid
from calltally.web.request.context import AnyRequest, context_of

MAX_SEGMENT_CHARS = 200


def segment_after(request: AnyRequest, name: str) -> str:
    """Return the decoded path segment after the segment `name`, with slashes sent as %2F.

    The framework decodes paths first, so its parameters cannot tell such a slash from a separator. Raises
    NotFound for impossible names: invalid UTF-8, a NUL, too long.
    """
    sent = _raw_path(request).partition(b"/%b/" % name.encode())[2].partition(b"/")[0]
    return _decoded(sent, name)


def id_after(request: AnyRequest, name: str) -> bytes:
    """Return the UUID after the segment `name`; empty if it is invalid."""
    return parse_uuid(segment_after(request, name)) or b""


def last_segment(request: AnyRequest, name: str) -> str:
    """Return the decoded last path segment. Raises NotFound like `segment_after`."""
    return _decoded(_raw_path(request).rpartition(b"/")[2], name)


def _raw_path(request: AnyRequest) -> bytes:
    return (request.scope.get("raw_path") or request.scope["path"].encode()).partition(b"?")[0]


def _decoded(sent: bytes, name: str) -> str:
    try:
        part = unquote(sent.decode(), errors="strict")
    except UnicodeDecodeError:
        part = ""
    if not part or "\0" in part or len(part) > MAX_SEGMENT_CHARS:
        raise NotFound(f"the part of the path after /{name}/ is no name or id that can exist")
    return part


def public_url_of(request: AnyRequest) -> str:
    """Return the URL of the request, with its path and query exactly as sent.

    A public URL's path is in it once, also if a proxy has removed it from the request.
    """
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    query = scope["query_string"]
    return service_url(request) + (path + b"?" + query if query else path).decode("latin-1")


def service_url(request: AnyRequest) -> str:
    """Return the URL of this service as clients see it, without a trailing slash.

    It is the configured public URL, else it has X-Forwarded-Proto and X-Forwarded-Host of a trusted proxy,
    else the scheme and Host of the request.
    """
    context = context_of(request.scope)
    if context.deps.public_url is not None:
        return context.deps.public_url
    headers = context.headers
    scheme, host = request.scope["scheme"], _first(headers.get(b"host", b""))
    if context.deps.trust_proxy:
        scheme = _first(headers.get(b"x-forwarded-proto", b"")) or scheme
        host = _first(headers.get(b"x-forwarded-host", b"")) or host
    return f"{scheme}://{host}"


def _first(value: bytes) -> str:
    """Return the first value of a list that each proxy extends: the client's."""
    return value.partition(b",")[0].strip().decode("latin-1")
