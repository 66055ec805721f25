"""Query of the call list: values of each parameter, and complete reports of faults."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import Fault, InvalidInput
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import PARAMETERS, ListQuery, parse_list_query
from calltally.calls.model import STATUSES
from calltally.calls.parameters import Parameter

NAMES = [parameter.name for parameter in PARAMETERS]
DAY_US = 86_400_000_000
OCTOBER_US = 20_727 * DAY_US


def parse(*pairs: tuple[str, str]) -> ListQuery:
    return parse_list_query(pairs, allow_tenant=False)


def faults(*pairs: tuple[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse(*pairs)
    return dict(caught.value.faults)


def test_empty_query_is_first_page_of_all_calls() -> None:
    assert parse() == ListQuery(filter=CallFilter(), limit=25, offset=0, order="desc", tenant=None)


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("limit", "1", "limit", 1),
        ("limit", "1000", "limit", 1000),
        ("offset", "0", "offset", 0),
        ("offset", "1000000000000", "offset", 10**12),
        ("order", "asc", "order", "asc"),
    ],
)
def test_paging(name: str, text: str, field: str, value: object) -> None:
    assert getattr(parse((name, text)), field) == value


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("status", "no-answer", "statuses", ("no-answer",)),
        ("status", "failed,busy,failed", "statuses", ("busy", "failed")),
        ("direction", "outbound", "direction", "outbound"),
        ("from", "2026-10-01", "from_us", OCTOBER_US),
        ("to", "2026-10-01T02:00:00 02:00", "to_us", OCTOBER_US),
        ("to", "2026-10-01T00:00:00.000001Z", "to_us", OCTOBER_US + 1),
        ("route", "Termine für Ärzte", "route", "Termine für Ärzte"),
        ("provider", "twilio", "provider", "twilio"),
        ("agent", "scheduler", "agent", "scheduler"),
        ("call_sid", "CA1", "call_sid", "CA1"),
        ("escalated", "true", "escalated", True),
        ("escalated", "false", "escalated", False),
        ("number", "+14155550100", "number", "+14155550100"),
        ("number", " 14155550100", "number", "+14155550100"),
        ("number", "+1 (415) 555-0100", "number", "+14155550100"),
        ("number", "911", "number", "911"),
        ("number", "sip:alice@example.com", "number", "sip:alice@example.com"),
    ],
)
def test_filters(name: str, text: str, field: str, value: object) -> None:
    assert getattr(parse((name, text)).filter, field) == value


def test_status_repeats_and_takes_commas() -> None:
    query = parse(("status", "failed,busy"), ("status", "queued"))
    assert query.filter.statuses == ("queued", "busy", "failed")


CALL_ID = "550e8400-e29b-81d4-a716-446655440000"


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("after", CALL_ID.upper(), "after", bytes.fromhex(CALL_ID.replace("-", ""))),
        ("snapshot", "s" + "a" * 32, "snapshot", "s" + "a" * 32),
        ("hold", "nightly_2026-10.01~x", "hold", "nightly_2026-10.01~x"),
        ("format", "ndjson", "format", "ndjson"),
        ("tz", "America/Argentina/Buenos_Aires", "tz", "America/Argentina/Buenos_Aires"),
    ],
)
def test_snapshot_and_format_parameters(name: str, text: str, field: str, value: object) -> None:
    assert getattr(parse((name, text)), field) == value


@pytest.mark.parametrize("text", ["refund", "Rück* zahlung", "ยกเลิก", "c++ 2.0"])
def test_search_text_is_unchanged(text: str) -> None:
    assert parse(("q", text)).filter == CallFilter(q=text)


@pytest.mark.parametrize(
    ("pairs", "parameter", "message"),
    [
        ((("after", CALL_ID), ("offset", "0")), "after", "after replaces offset"),
        ((("hold", "nightly"), ("snapshot", "s" + "a" * 32)), "hold", "a snapshot of its own"),
    ],
)
def test_contradicting_parameters_are_refused(
    pairs: tuple[tuple[str, str], ...], parameter: str, message: str
) -> None:
    found = faults(*pairs)
    assert list(found) == [parameter]
    assert message in found[parameter]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("limit", "0", "limit must be a whole number from 1 to 1000, not '0'"),
        ("limit", "1001", "limit must be a whole number from 1 to 1000, not '1001'"),
        ("limit", "+5", "not '+5'"),
        ("limit", "1_0", "not '1_0'"),
        ("limit", "٣", "from 1 to 1000"),
        ("limit", "9" * 5000, "…'"),
        ("limit", "", "limit is empty"),
        ("offset", "-1", "offset must be a whole number from 0 to 1000000000000, not '-1'"),
        ("offset", "1000000000001", "from 0 to 1000000000000"),
        ("offset", "1.0", "not '1.0'"),
        ("status", "done", ", ".join(STATUSES)),
        ("status", "busy,", "not ''"),
        ("direction", "Outbound", "must be one of inbound, outbound, not 'Outbound'"),
        ("order", "newest", "must be one of desc, asc"),
        ("escalated", "1", "must be one of true, false, not '1'"),
        ("from", "2026-10-01T00:00:00", "needs an offset"),
        ("from", "yesterday", "not an RFC 3339 time"),
        ("from", "2026-02-30", "day"),
        ("to", "0000-01-01", "year 0"),
        ("to", "0001-01-01T00:00:00+10:00", "outside the years 0001 to 9999"),
        ("to", "9999-12-31T23:59:59-10:00", "outside the years 0001 to 9999"),
        ("number", "+0123", "E.164"),
        ("number", "+", "E.164"),
        ("number", "a\nb", "E.164"),
        ("number", "1" * 129, "at most 128 characters"),
        ("route", "x" * 201, "at most 200 characters, not 201"),
        ("agent", "a\0b", "NUL"),
        ("call_sid", "\ud800", "surrogate"),
        ("q", "…", "no letter or digit to search for: '…'"),
        ("q", "😀 👍🏽", "no letter or digit"),
        ("q", "*", "no letter or digit"),
        ("q", "x" * 201, "at most 200 characters"),
        ("after", "CA1", "must be the id of a call (a UUID), not 'CA1'"),
        ("after", CALL_ID[:-1], "a UUID"),
        ("snapshot", "s" * 101, "the snapshot of an earlier response"),
        ("snapshot", "sé", "the snapshot of an earlier response"),
        ("hold", "every night", "letters, digits and . _ ~ -"),
        ("hold", "x" * 101, "at most 100 characters"),
        ("format", "xlsx", "must be one of json, csv, ndjson, parquet, arrow, not 'xlsx'"),
        ("tz", "+02:00", "the name of an IANA zone"),
    ],
)
def test_bad_value_gives_name_and_allowed_values(name: str, text: str, message: str) -> None:
    found = faults((name, text))
    assert list(found) == [name]
    assert message in found[name]


def test_unknown_name_lists_existing_parameters() -> None:
    found = faults(("statuss", "busy"), ("tenant", "acme"))
    assert list(found) == ["statuss", "tenant"]
    assert found["statuss"] == (
        "there is no parameter 'statuss' (did you mean status?); those that exist are limit, offset, status,"
        " direction, from, to, route, provider, agent, call_sid, call_sid_prefix, number, from_number,"
        " to_number, parent_call_sid, updated_from, updated_to, escalated, q, order, after, snapshot, hold,"
        " format, tz"
    )


def test_tenant_is_for_admins() -> None:
    assert parse_list_query([("tenant", "acme")], allow_tenant=True).tenant == "acme"


def test_single_parameter_given_twice() -> None:
    assert faults(("limit", "5"), ("limit", "5")) == {"limit": "limit is given 2 times; give it once"}


@pytest.mark.parametrize("to", ["2026-10-01", "2026-09-30"])
def test_window_must_have_length(to: str) -> None:
    assert "earlier than to" in faults(("from", "2026-10-01"), ("to", to))["from"]


def test_all_faults_are_reported_at_once() -> None:
    found = faults(("limit", "0"), ("status", "done"), ("x", "1"), ("route", ""))
    assert list(found) == ["x", "limit", "status", "route"]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=NAMES)
def test_declarations_agree_with_parsers(parameter: Parameter) -> None:
    parameter.parse(parameter.example)
    assert parameter.meaning.endswith(".")
    assert (parameter.schema.get("type") == "array") == parameter.is_repeatable


@pytest.mark.parametrize(
    "text",
    [
        *(
            "+14155550100",
            "(415) 555-0100",
            "911",
            "sip:ada@example.com",
            "\u201c911\u201d",
            '" 911"',
            "\ufeff911",
        ),
        *(
            "",
            " ",
            "\u00a0",
            "\u0085",
            "\u3000",
            "\u200b",
            "\ufeff",
            '"',
            "'\u2028",
            "+",
            "\uff0b",
            "+1",
            "a\x1fb",
        ),
    ],
)
def test_schema_of_a_number_equals_its_validation(text: str) -> None:
    [number] = [each for each in PARAMETERS if each.name == "number"]
    if re.fullmatch(number.schema["pattern"], text):
        number.parse(text)
    else:
        with pytest.raises(ValueError, match=r"must be an E\.164 number"):
            number.parse(text)


def outcome_of(pairs: list[tuple[str, str]]) -> ListQuery | tuple[Fault, ...]:
    try:
        return parse_list_query(pairs, allow_tenant=True)
    except InvalidInput as refused:
        return refused.faults


half_pairs = st.text(st.characters(categories=["Cs", "L", "N"]))
names = st.sampled_from(NAMES) | st.text() | half_pairs


@given(st.lists(st.tuples(names, st.text(max_size=40) | half_pairs)))
def test_any_text_is_parsed_or_refused_with_encodable_message(pairs: list[tuple[str, str]]) -> None:
    outcome = outcome_of(pairs)
    if isinstance(outcome, ListQuery):
        assert {name for name, _ in pairs} <= set(NAMES)
        assert msgspec.json.encode(outcome)
    else:
        assert outcome
        assert msgspec.json.encode(outcome)
