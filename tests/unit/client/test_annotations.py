"""Texts of annotations."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, Optional

import pytest

from calltally.client.annotations import annotation_text
from calltally.client.literals import CallStatus
from calltally.client.records import CallPage


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (datetime | None, "datetime | None"),
        (Optional[CallStatus], "CallStatus | None"),  # noqa: UP045 (another kind of union)
        (Iterator[CallPage], "Iterator[Page[CallRecord]]"),
        (dict[str, Sequence[Any]], "dict[str, Sequence[Any]]"),
        (Literal["a", "b"], "Literal['a', 'b']"),
    ],
)
def test_annotation_is_written_as_a_person_would(annotation: object, text: str) -> None:
    assert repr(annotation_text(annotation)) == text
