"""Masking of telephone numbers for keys that may not read them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.masking import mask_json, mask_lines, mask_text, masked_number


@pytest.mark.parametrize(
    ("number", "masked"),
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
def test_each_form_of_number_is_masked(number: str, masked: str) -> None:
    assert masked_number(number) == masked
    assert masked_number(masked) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call\n+14155550123", "call\n+*********23"),
        ("call\t+14155550123\r", "call\t+*********23\r"),
        ("on (415) 555-7777, please", "on (********77, please"),
        ("020 7946 0999 or 4155550123.", "*********99 or ********23."),
        ("+1 415\u2011555\u00a00123", "+*********23"),
        ("tel4155550123, 4155550123x12", "tel********23, ********23x12"),
        ("sip:+14155550123@example.com", "sip:+*********23@example.com"),
        ("https://pbx/rec?to=%2B14155550123", "https://pbx/rec?to=%2B*********23"),
        ("电话13800138000", "电话*********00"),
        ("٠٤١٥٥٥٥٠١٢٣", "*********٢٣"),
        ('{"phone":"4155550123"}', '{"phone":"********23"}'),
    ],
)
def test_number_in_text_is_masked_in_any_form(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "order 12-345, at 09:30, for 1,234,567 USD",
        "2026-10-01T09:30:00.000000+00:00 and 2026-10-01 09:30",
        "on 10.12.2026 or 9/30/2026",
        "550e8400-e29b-41d4-a716-446655440000",
        "CA1234567890abcdef1234567890abcdef",
        "https://api.example.com/2010-04-01/Recordings/RE1234567890abcdef1234567890abcdef",
    ],
)
def test_dates_ids_and_short_numbers_are_not_masked(text: str) -> None:
    assert mask_text(text) == text


def test_parties_and_numbers_in_text_are_masked() -> None:
    body = msgspec.json.encode(
        {
            "from_number": "+14155550123",
            "to_number": '1"00\\1',
            "escalation": {"target": "front-desk", "reason": "call +442079460999 back"},
            "transfer": {"target": "sip:desk@example.com"},
            "summary": 'said "from_number":"1001",\n+14155550188.',
            "created_at": "2026-10-01T09:30:00.000000+00:00",
            "metadata": {"number": "70117", "order": "+12", "id": "a+14155550123", "n": 4155550123},
            "tags": ["vip", "4155550123"],
            "call_sid": "1759311051.1234567",
            "route": "line-4155550100",
            "agent": None,
        }
    )
    assert msgspec.json.decode(mask_json(body)) == {
        "from_number": "+*********23",
        "to_number": "***",
        "escalation": {"target": "front-desk", "reason": "call +**********99 back"},
        "transfer": {"target": "sip:***"},
        "summary": 'said "from_number":"1001",\n+*********88.',
        "created_at": "2026-10-01T09:30:00.000000+00:00",
        "metadata": {"number": "***17", "order": "+12", "id": "a+*********23", "n": "********23"},
        "tags": ["vip", "********23"],
        "call_sid": "1759311051.1234567",
        "route": "line-4155550100",
        "agent": None,
    }


@given(st.text(), st.text())
def test_masked_json_stays_json_and_masking_is_idempotent(number: str, summary: str) -> None:
    body = msgspec.json.encode({"from_number": number, "summary": summary})
    masked = mask_json(body)
    assert msgspec.json.decode(masked).keys() == {"from_number", "summary"}
    assert mask_json(masked) == masked


@given(st.text("0123456789 +-().x/T:a\n", max_size=40))
def test_masking_of_text_is_idempotent(text: str) -> None:
    masked = mask_text(text)
    assert mask_text(masked) == masked


numbers = st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True)
written = st.sampled_from(
    ["{}", "\n{}", "\t{}\t", "call {} now", "({})", 'said "{}"', "\\n{}", "tel:{}", "é{}é"]
)


def leaves(number: str) -> st.SearchStrategy[Any]:
    """Return one number in the forms of people and programs."""
    bare = number.removeprefix("+")
    spaced = " ".join((number[:3], f"({number[3:6]})", number[6:9] + "-" + number[9:]))
    forms = st.sampled_from([number, bare, spaced, number.replace("+", "%2B"), number.replace("+", "00")])
    return st.builds(str.format, written, forms) | st.just(int(bare))


@given(st.data(), numbers)
def test_no_number_is_left_in_masked_records(data: st.DataObject, number: str) -> None:
    """In any form, under any name, at any depth."""
    leaf = leaves(number)
    free = st.recursive(leaf, lambda inner: st.lists(inner) | st.dictionaries(st.just(number), inner))
    record = data.draw(
        st.fixed_dictionaries(
            {"from_number": st.just(number), "summary": leaf.map(str), "metadata": free},
            optional={"transcript": st.lists(st.fixed_dictionaries({"text": leaf.map(str)}))},
        )
    )
    line = msgspec.json.encode(record)
    for masked in (mask_json(b"[" + line + b"]"), mask_lines(line + b"\n" + line)):
        digits = "".join(filter(str.isdecimal, masked.decode()))
        assert number[1:] not in digits
        assert number[1:-2] not in digits


def test_records_without_numbers_stay_unchanged() -> None:
    body = b'{"id":"550e8400-e29b-41d4-a716-446655440000","from_number":null,"duration_seconds":14155550123}'
    assert mask_json(body) == body
