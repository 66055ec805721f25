"""Variable parts of a path, exactly as they were sent."""

from urllib.parse import unquote

from calltally.calls.errors import NotFound
from calltally.web.request.context import AnyRequest

MAX_SEGMENT_CHARS = 200


def segment_after(request: AnyRequest, name: str) -> str:
    """The decoded part of the path behind the part `name`, with slashes that were sent as %2F.

    The framework's own parameters come from the decoded path, where such a slash cannot be told
    from a separator. Raises NotFound for what nothing can be called: no UTF-8, a NUL, too long.
    """
    sent = _raw_path(request).partition(b"/%b/" % name.encode())[2].partition(b"/")[0]
    return _decoded(sent, name)


def last_segment(request: AnyRequest, name: str) -> str:
    """The decoded last part of the path, one of the `name`. Raises NotFound like `part_after`."""
    return _decoded(_raw_path(request).rpartition(b"/")[2], name)


def _raw_path(request: AnyRequest) -> bytes:
    return (request.scope.get("raw_path") or request.scope["path"].encode()).partition(b"?")[0]


def _decoded(sent: bytes, name: str) -> str:
    try:
        part = unquote(sent.decode(), errors="strict")
    except UnicodeDecodeError:
        part = ""
    if not part or "\0" in part or len(part) > MAX_SEGMENT_CHARS:
        raise NotFound(f"there is nothing of that name among the {name}")
    return part
