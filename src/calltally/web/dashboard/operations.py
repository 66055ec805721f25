"""Operation of a page: neither published nor rate-limited."""

from calltally.web.openapi.operation import Operation, ResponseSpec


def page_operation(named: str) -> Operation:
    """Return the operation of a page, named by its path or by method and path. The session authorizes it."""
    return Operation(
        id=named,
        tag="Pages",
        summary=named,
        is_rate_limited=False,
        is_negotiated=False,
        parses_query=True,
        is_published=False,
        responses={200: ResponseSpec(description="A page.", media_type="text/html")},
    )
