"""Path segments exactly as the client sent them."""

from urllib.parse import unquote

from calltally.calls.errors import NotFound
from calltally.web.request.context import AnyRequest

MAX_SEGMENT_CHARS = 200


def segment_after(request: AnyRequest, name: str) -> str:
    """Return the decoded path segment after the segment `name`, with slashes sent as %2F.

    The framework decodes paths first, so its parameters cannot tell such a slash from a separator. Raises
    NotFound for impossible names: invalid UTF-8, a NUL, too long.
    """
    sent = _raw_path(request).partition(b"/%b/" % name.encode())[2].partition(b"/")[0]
    return _decoded(sent, name)


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
        raise NotFound(f"no such entry in {name}")
    return part
