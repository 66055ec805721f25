"""Words for the end of a call that are in no table are counted for every source."""

import pytest

from calltally.ingest.callbacks import has_unknown_end
from tests.telling import fact


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"end_reason": "user_busy"}, False),
        ({"end_reason": "voicemail"}, False),
        ({"end_reason": "busy", "end_word": "customer-busy"}, False),
        ({"end_word": "eaten-by-a-grue"}, True),
        ({"end_reason": "eaten-by-a-grue"}, True),
    ],
)
def test_unknown_end_word_is_counted(fields: dict[str, str], *, expected: bool) -> None:
    assert has_unknown_end(fact(1, **fields)) is expected  # type: ignore[arg-type] # names of what is said
