"""What the pages declare of themselves: for people, so neither published nor counted."""

from calltally.web.openapi.operation import Answer, Operation


def of_page(named: str) -> Operation:
    """The declaration of a page, by its path or method and path; the session decides who may see it."""
    return Operation(
        id=named,
        tag="Pages",
        summary=named,
        counted=False,
        negotiated=False,
        reads_query=True,
        published=False,
        answers={200: Answer(meaning="A page.", media_type="text/html")},
    )
