"""What the pages declare of themselves: for people, so neither published nor counted."""

from calltally.web.operations import Answer, Operation


def of_page(path: str) -> Operation:
    """The declaration of one page. Who may see it is decided by the session, not by a header."""
    return Operation(
        id=path,
        tag="Pages",
        summary=path,
        counted=False,
        negotiated=False,
        reads_query=True,
        published=False,
        answers={200: Answer(meaning="A page.", media_type="text/html")},
    )
