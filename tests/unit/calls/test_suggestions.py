"""Suggestions for unknown parameters and statuses."""

import msgspec
import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.list_query import PARAMETERS, parse_list_query
from calltally.calls.model import STATUSES
from calltally.calls.suggestions import did_you_mean, suggest, unknown_field_hint

NAMES = [each.name for each in PARAMETERS]


class Endpoint(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    subscribed: list[str] = msgspec.field(default=[], name="events")


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b'{"url": "", "event": []}', " (did you mean events?)"),
        (b'{"url": "", "minutes": 5}', "; the fields are url, events"),
        (b'{"url": 5}', ""),
    ],
)
def test_field_that_was_meant(body: bytes, hint: str) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(body, type=Endpoint)
    assert unknown_field_hint(str(raised.value), Endpoint) == hint


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("page", "offset"), ("per_page", "limit"), ("pageSize", "limit"), ("since", "from")),
        *(("status[]", "status"), ("Status", "status"), ("sort", "order"), ("callSid", "call_sid")),
        *(("direcion", "direction"), ("xyz", None), ("", None), ("limit" * 20, None)),
    ],
)
def test_parameter_that_was_meant(name: str, meant: str | None) -> None:
    assert suggest(name, NAMES) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *(("no_answer", "no-answer"), ("cancelled", "canceled"), ("in_progress", "in-progress")),
        *(("COMPLETED", "completed"), ("complete", "completed"), ("parked", None)),
    ],
)
def test_status_that_was_meant(word: str, meant: str | None) -> None:
    assert suggest(word, STATUSES) == meant
    assert did_you_mean(word, STATUSES) == (f" (did you mean {meant}?)" if meant else "")


@pytest.mark.parametrize(
    ("pair", "hint"),
    [(("page", "2"), "(did you mean offset?)"), (("status", "cancelled"), "(did you mean canceled?)")],
)
def test_error_has_the_suggestion_and_all_valid_names(pair: tuple[str, str], hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_list_query([pair], allow_tenant=False)
    assert hint in refused.value.detail
    assert "limit" in refused.value.detail or "queued" in refused.value.detail
