"""Form parsing gives the results of the standard library."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.providers.form import MAX_PARAMS, MAX_STRAY_PERCENTS, Params, parse_form

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["", "+1 415", "a%b", "ü"])


def parsed_by_the_library(body: bytes) -> Params | None:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMS)
    except ValueError:
        return None


def parsed(body: bytes) -> Params | None:
    try:
        return parse_form(body)
    except ValueError:
        return None


@given(st.lists(st.tuples(_TEXTS, _TEXTS), max_size=6))
def test_encoded_parameters_round_trip(params: Params) -> None:
    body = urlencode(params).encode()
    assert parse_form(body) == parsed_by_the_library(body)


@given(
    st.lists(st.sampled_from(["a", "=", "&", "+", "%", "%2", "%2B", "%C3%BC", "%ff", "ü", ";"]), max_size=12)
)
def test_arbitrary_forms_parse_like_the_standard_library(pieces: list[str]) -> None:
    body = "".join(pieces).encode()
    assert parsed(body) == parsed_by_the_library(body)


def test_other_encodings_and_too_many_parameters_are_refused() -> None:
    assert parsed(b"a=\xff") is None
    assert len(parse_form(b"&".join([b"a=1"] * MAX_PARAMS))) == MAX_PARAMS
    with pytest.raises(ValueError, match="more than 1000 parameters"):
        parse_form(b"&" * MAX_PARAMS)


@pytest.mark.parametrize("stray", ["%", "%G", "\\%", "é%"])
def test_too_many_invalid_escapes_are_refused(stray: str) -> None:
    """Each costs a match of a regular expression: 64 KiB of them took 4 ms."""
    fields = "&".join([f"a={stray * 10}"] * (MAX_STRAY_PERCENTS // 10))
    assert parsed(fields.encode()) == parsed_by_the_library(fields.encode())
    with pytest.raises(ValueError, match="more than 1000 invalid escapes"):
        parse_form(f"{fields}&b=%".encode())


def test_valid_escapes_are_not_limited() -> None:
    assert parse_form(b"a=" + b"%41" * 2 * MAX_STRAY_PERCENTS) == [("a", "A" * 2 * MAX_STRAY_PERCENTS)]


def test_changes_to_a_result_do_not_affect_the_cache() -> None:
    parse_form(b"a=1").clear()
    assert parse_form(b"a=1") == [("a", "1")]
