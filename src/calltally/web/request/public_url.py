"""The URL by which the outside reached us: what providers sign."""

from calltally.web.request.context import AnyRequest, context_of


def public_url_of(request: AnyRequest) -> str:
    """The request's URL with its path and query exactly as sent.

    The configured public URL comes first, then (if a proxy is trusted) its X-Forwarded-Proto and
    X-Forwarded-Host, then the request's own scheme and Host.
    """
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    query = scope["query_string"]
    return public_origin(request) + (path + b"?" + query if query else path).decode("latin-1")


def public_origin(request: AnyRequest) -> str:
    """Scheme, host and port as the outside sees them."""
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
    """The first of a list that each proxy adds to: what the client used."""
    return value.partition(b",")[0].strip().decode("latin-1")
