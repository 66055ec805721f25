"""What the pages declare of themselves: for people, so neither published nor counted."""

from calltally.web.openapi.operation import Operation, ResponseSpec


def page_operation(named: str) -> Operation:
    """The declaration of a page, by its path or method and path; the session decides who may see it."""
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
