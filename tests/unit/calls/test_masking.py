"""What is left of a number that a key may not see."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.masking import mask_json, masked_number


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155550123", "+*********23"),
        ("14155550123", "*********23"),
        ("(415) 555-0123", "********23"),
        ("1001", "****"),
        ("10017", "***17"),
        ("*72", "*72"),
        ("sip:someone@example.com", "sip:***"),
        ("SIP:+14155550123@example.com;user=phone", "sip:***"),
        ("client:someone", "client:***"),
        ("someone", "***"),
        ("anonymous", "***"),
        ("٠١٢٣٤٥", "***"),
    ],
)
def test_each_form_of_a_number(number: str, shown: str) -> None:
    assert masked_number(number) == shown
    assert masked_number(shown) == shown


def test_parties_are_hidden_under_their_names_and_whole_numbers_in_all_text() -> None:
    body = msgspec.json.encode(
        {
            "from_number": "+14155550123",
            "to_number": '1"00\\1',
            "escalation": {"target": "front-desk", "reason": "call +442079460999 back"},
            "transfer": {"target": "sip:desk@example.com"},
            "summary": 'said "from_number":"1001", +14155550188.',
            "created_at": "2026-10-01T09:30:00.000000+00:00",
            "metadata": {"number": "70117", "order": "+12", "id": "a+14155550123"},
            "route": None,
        }
    )
    assert msgspec.json.decode(mask_json(body)) == {
        "from_number": "+*********23",
        "to_number": "***",
        "escalation": {"target": "front-desk", "reason": "call +**********99 back"},
        "transfer": {"target": "sip:***"},
        "summary": 'said "from_number":"1001", +*********88.',
        "created_at": "2026-10-01T09:30:00.000000+00:00",
        "metadata": {"number": "***17", "order": "+12", "id": "a+14155550123"},
        "route": None,
    }


@given(st.text(), st.text())
def test_whatever_stands_there_it_stays_json_and_is_hidden_once(number: str, summary: str) -> None:
    body = msgspec.json.encode({"from_number": number, "summary": summary})
    masked = mask_json(body)
    assert msgspec.json.decode(masked).keys() == {"from_number", "summary"}
    assert mask_json(masked) == masked


def test_records_without_numbers_stay_as_they_are() -> None:
    body = b'{"id":"550e8400-e29b-41d4-a716-446655440000","from_number":null,"duration_seconds":14155550123}'
    assert mask_json(body) == body
