"""Public URL of a request: providers sign it."""

from calltally.web.request.context import AnyRequest, context_of


def public_url_of(request: AnyRequest) -> str:
    """Return the URL of the request, with its path and query exactly as sent.

    The origin is the configured public URL, else X-Forwarded-Proto and X-Forwarded-Host of a trusted proxy,
    else the scheme and Host of the request.
    """
    scope = request.scope
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    query = scope["query_string"]
    return public_origin(request) + (path + b"?" + query if query else path).decode("latin-1")


def public_origin(request: AnyRequest) -> str:
    """Return the scheme, host and port as clients see them."""
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
