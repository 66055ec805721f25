"""What the pages declare of themselves: for people, so neither published nor counted."""

from calltally.web.operations import Answer, Operation


def of_page(named: str) -> Operation:
    """The declaration of one page, by its path, or by its method and path. Who may see it is decided by the session, not by a header."""
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
