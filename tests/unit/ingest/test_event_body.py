"""Own events: valid bodies, the values of each field, and errors that are returned and never raised."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import CalltallyError, InvalidBody, TooLarge
from calltally.calls.events import Channel, Fact
from calltally.calls.times import DAY_US, SECOND_US
from calltally.ingest.event_body import MAX_BODY_BYTES, ParsedEvent, parse_body
from calltally.ingest.event_fields import FIELDS, event_schema

MIDNIGHT_US = 20_727 * DAY_US  # 2026-10-01
NOW_US = MIDNIGHT_US + 60 * SECOND_US
EVENT: dict[str, Any] = {"id": "e1", "call_sid": "CA1", "occurred_at": "2026-10-01T00:00:00Z"}


def read(body: bytes, *, ndjson: bool = False) -> list[ParsedEvent]:
    return parse_body(body, ndjson=ndjson, now_us=NOW_US)


def parse_fields(**fields: object) -> ParsedEvent:
    (parsed,) = read(json.dumps(EVENT | fields).encode())
    return parsed


def fact_of(**fields: object) -> Fact:
    parsed = parse_fields(**fields)
    assert parsed.fact is not None, parsed.faults
    return parsed.fact


def faults_of(**fields: object) -> dict[str, str]:
    parsed = parse_fields(**fields)
    assert parsed.fact is None
    return dict(parsed.faults)


def test_least_event() -> None:
    body = json.dumps(EVENT).encode()
    fact = fact_of()
    assert fact == Fact(
        call_sid="CA1",
        channel=Channel.OWN_EVENT,
        provider="",
        account="",
        event_id="e1",
        sequence=None,
        occurred_us=MIDNIGHT_US,
        received_us=NOW_US,
        digest=fact.digest,
        stated={},
        raw=body,
    )


@pytest.mark.parametrize(
    ("name", "value", "into", "read_as"),
    [
        ("provider", "kamailio", "provider", "kamailio"),
        ("status", "no-answer", "status", "no-answer"),
        ("direction", "inbound", "direction", "inbound"),
        ("from_number", "+1 (415) 555-0100", "from_number", "+14155550100"),
        ("to_number", " sipp ", "to_number", "sipp"),
        ("route", "appointments", "route", "appointments"),
        ("started_at", "2026-10-01T02:00:00.5+02:00", "started_us", MIDNIGHT_US + 500_000),
        ("ringing_at", "2026-10-01T00:00:00Z", "ringing_us", MIDNIGHT_US),
        ("answered_at", "2026-10-02T00:01:00Z", "answered_us", NOW_US + DAY_US),
        ("ended_at", "2000-01-01T00:00:00Z", "ended_us", 10_957 * DAY_US),
        ("duration_seconds", 42.7, "talk_seconds", 42.7),
        ("duration_seconds", 0, "talk_seconds", 0.0),
        ("escalated", False, "escalated", False),
        ("escalation", {"reason": "angry"}, "escalation", [None, None, "angry"]),
        ("transfer", {"outcome": "bridged"}, "transfer", [None, "bridged"]),
        ("summary", "ß" * 32_768, "summary", "ß" * 32_768),
        ("hangup_cause", 16.0, "hangup_cause", 16),
        ("sip_code", 486, "sip_code", 486),
        ("recording_url", "https://example.com/a.wav", "recording_url", "https://example.com/a.wav"),
        ("cost", {"amount": "-0.0085", "currency": "USD"}, "cost", ["-0.0085", "USD"]),
        ("cost", {"amount": "12"}, "cost", ["12", None]),
        ("tags", ["b", "a", "b"], "tags", ["a", "b"]),
        ("metadata", {"b": [{"d": 1, "c": None}], "a": "x"}, "metadata", None),
    ],
)
def test_field_is_parsed(name: str, value: object, into: str, read_as: object) -> None:
    found: Any = fact_of(**{name: value}).stated
    assert list(found) == [into]
    if read_as is not None:
        assert (list(found[into].values()) if isinstance(value, dict) else found[into]) == read_as


def test_sequence_is_a_field_of_the_fact() -> None:
    assert fact_of(sequence=-(2**63)).sequence == -(2**63)


def test_provider_and_account_are_fields_of_the_fact() -> None:
    fact = fact_of(provider="kamailio", provider_account="edge-1")
    assert (fact.provider, fact.account) == ("kamailio", "edge-1")


def test_metadata_keys_are_sorted_at_every_level() -> None:
    metadata = fact_of(metadata={"b": [{"d": 1, "c": None}], "a": "x"}).stated["metadata"]
    assert json.dumps(metadata) == '{"a": "x", "b": [{"c": null, "d": 1}]}'


def test_null_field_is_ignored() -> None:
    optional = {field.name: None for field in FIELDS if not field.required}
    assert msgspec.structs.replace(fact_of(**optional), raw=b"") == msgspec.structs.replace(
        fact_of(), raw=b""
    )


def test_digest_depends_on_content_not_spelling() -> None:
    plain = fact_of(status="busy", metadata={"a": 1, "b": 2}).digest
    spelt = b'\n{"metadata": {"b":2,"a":1}, "status":"\\u0062usy",  "call_sid":"CA1","id":"e1",'
    (parsed,) = read(spelt + b'"occurred_at":"2026-10-01T00:00:00Z"}')
    assert parsed.fact
    assert parsed.fact.digest == plain
    assert fact_of(status="failed", metadata={"a": 1, "b": 2}).digest != plain


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("id", None, "id is missing"),
        ("id", "", "1 to 200 characters, not 0"),
        ("id", 7, "must be text, not a number"),
        ("call_sid", "x" * 201, "not 201"),
        ("call_sid", "a\0", "NUL"),
        ("occurred_at", "2026-10-01T00:00:00", "needs an offset"),
        ("occurred_at", "2026-10-01", "RFC 3339"),
        ("occurred_at", "2026-10-01T00:00:00 02:00", "RFC 3339"),
        ("occurred_at", "1999-12-31T23:59:59Z", "before the year 2000"),
        ("occurred_at", "2026-10-02T00:01:00.000001Z", "more than 24 h ahead"),
        ("occurred_at", "0001-01-01T00:00:00+01:00", "0001 to 9999"),
        ("occurred_at", 1_790_812_800, "not a number"),
        ("answered_at", "1970-01-01T00:00:00Z", "before the year 2000"),
        ("sequence", 2**63, "from -9223372036854775808 to 9223372036854775807"),
        ("sequence", True, "not true"),
        ("status", "done", "queued, initiated, ringing"),
        ("status", ["busy"], "not a list"),
        ("direction", "outbound-api", "inbound, outbound"),
        ("from_number", " ", "blank"),
        ("duration_seconds", -1, "from 0 to"),
        ("duration_seconds", "42", "'42'"),
        ("escalated", "true", "true or false"),
        ("escalation", {}, "is empty"),
        ("escalation", "yes", "must be an object"),
        ("hangup_cause", 128, "from 0 to 127"),
        ("sip_code", 16.5, "16.5"),
        ("sip_code", 99, "from 100 to 699"),
        ("recording_url", "javascript://%0aalert(1)", "absolute URL"),
        ("recording_url", "https://a b", "absolute URL"),
        ("tags", ["a"] * 101, "at most 100 tags, not 101"),
        ("tags", [""], "1 to 100 characters"),
        ("tags", "a", "must be a list"),
        ("metadata", [], "must be an object"),
        ("metadata", {"a": "x" * 16_400}, "at most 16384 bytes"),
        ("metadata", {"a\0": 1}, "NUL"),
        ("metadata", {"a": 2**63}, "beyond 64 bits"),
        ("summary", "x" * 32_769, "32768"),
        ("trunk", "x", "there is no field 'trunk'; those that exist are id, call_sid, occurred_at"),
    ],
)
def test_error_names_the_field(name: str, value: object, message: str) -> None:
    found = faults_of(**{name: value})
    assert list(found) == [name]
    assert message in found[name]


@pytest.mark.parametrize(
    ("field", "nested", "path", "message"),
    [
        ("transfer", {"outcome": "done"}, "transfer.outcome", "requested, bridged, failed"),
        ("transfer", {"to": "x"}, "transfer.to", "target, outcome"),
        ("escalation", {"reason": 1}, "escalation.reason", "must be text"),
        ("cost", {"currency": "USD"}, "cost.amount", "missing"),
        ("cost", {"amount": 0.5}, "cost.amount", "must be text"),
        ("cost", {"amount": "1e3"}, "cost.amount", "decimal number"),
        ("cost", {"amount": "1", "currency": "US$"}, "cost.currency", "ISO 4217"),
    ],
)
def test_error_in_object_names_nested_field(field: str, nested: object, path: str, message: str) -> None:
    found = faults_of(**{field: nested})
    assert list(found) == [path]
    assert message in found[path]


def test_all_errors_of_an_event_are_returned_together() -> None:
    assert set(faults_of(status="done", sip_code=1, extra=1, call_sid=None)) == {
        "status",
        "sip_code",
        "extra",
        "call_sid",
    }


def test_refused_event_keeps_its_id() -> None:
    assert parse_fields(status="done").id == "e1"
    assert parse_fields(id=7).id is None


@pytest.mark.parametrize(
    "more",
    [
        b',"status":"busy","status":"failed"',
        b',"metadata":{"a":1,"a":2}',
        b',"metadata":{"text":"\\":","a":1,"a" :2}',
    ],
)
def test_repeated_name_is_refused(more: bytes) -> None:
    (parsed,) = read(json.dumps(EVENT).encode()[:-1] + more + b"}")
    assert "given twice" in parsed.faults[0].detail


def test_text_like_a_name_is_not_a_name() -> None:
    assert fact_of(summary='":":":', metadata={'a":': '":'}).stated["summary"] == '":":":'


def test_array_keeps_order_and_refuses_events_one_by_one() -> None:
    items = [EVENT, 7, EVENT | {"id": "e2", "status": "done"}, EVENT | {"id": "e3"}]
    parsed = read(json.dumps(items).encode())
    assert [(each.id, each.fact is None) for each in parsed] == [
        ("e1", False),
        (None, True),
        ("e2", True),
        ("e3", False),
    ]
    assert parsed[3].fact
    assert json.loads(parsed[3].fact.raw) == items[3]


def test_ndjson_skips_empty_lines() -> None:
    line = json.dumps(EVENT).encode()
    assert len(read(b"\n" + line + b"\r\n\n" + line + b"\n", ndjson=True)) == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no event"),
        (b" \n ", "no event"),
        (b"[]", "no event"),
        (b"hello", "the body: JSON is malformed"),
        (b'{"id": "a"', "the body: Input data was truncated"),
        (b'[{"id": "a"},]', "the body: JSON is malformed"),
        (b"[" * 10_000 + b"]" * 10_000, "the body: nested too deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "the body: nested too deep"),
        (b'{"metadata":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "the body: nested too deep"),
        (b'{"id": "\xff"}', "the body: not UTF-8"),
        (b'[{"id": "\xff"}]', "event 1: not UTF-8"),
        (b'{"id": "\\ud800"}', "the body: half of a surrogate pair"),
        (b'{"id": "a\\ude00 and more"}', "the body: half of a surrogate pair"),
        (b'[1, {"id": "\\ud83d\\ud83d"}]', "half of a surrogate pair"),
        (b'{"id": "a\0b"}', "the body: JSON is malformed"),
        (b'{"sequence": 1e999}', "the body: Number out of range"),
        (b'{"sequence": ' + b"9" * 5_000 + b"}", "the body: Integer value out of range"),
        (b'{"sequence": NaN}', "the body: JSON is malformed"),
    ],
)
def test_invalid_json_is_refused_as_a_whole(body: bytes, message: str) -> None:
    with pytest.raises(InvalidBody) as caught:
        read(body)
    assert message in caught.value.detail


def test_one_bad_line_refuses_whole_body() -> None:
    with pytest.raises(InvalidBody, match="line 3: "):
        read(b'{"id": "a"}\n\n{"id": \n', ndjson=True)


@pytest.mark.parametrize("depth", [33, 100, 400, 700, 800, 900, 950, 990])
@pytest.mark.parametrize("name", ["metadata", "status", "escalated", "sip_code", "cost", "unknown", "tags"])
def test_deep_nesting_is_refused_not_raised(name: str, depth: int) -> None:
    field = b',"%b":' % name.encode() + b'{"a":' * depth + b"[]" + b"}" * depth
    try:
        (parsed,) = read(json.dumps(EVENT).encode()[:-1] + field + b"}")
    except InvalidBody as refused:
        parsed = ParsedEvent(None, None, refused.faults)
    assert parsed.fact is None


def test_limits() -> None:
    event = json.dumps(EVENT).encode()
    assert len(read(b"[" + b",".join([event] * 1_000) + b"]")) == 1_000
    with pytest.raises(TooLarge, match="1001 events"):
        read(b"\n".join([event] * 1_001), ndjson=True)
    with pytest.raises(TooLarge, match="bytes"):
        read(event.ljust(MAX_BODY_BYTES + 1))


def test_schema_has_all_fields_and_no_others() -> None:
    schema = event_schema()
    assert list(schema["properties"]) == [field.name for field in FIELDS]
    assert schema["required"] == ["id", "call_sid", "occurred_at"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["cost"]["anyOf"][0]["required"] == ["amount"]
    transfer = schema["properties"]["transfer"]["anyOf"][0]
    assert [each["required"] for each in transfer["anyOf"]] == [["target"], ["outcome"]]
    assert json.dumps(schema)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([field.name for field in FIELDS]) | st.text()


def read_or_refuse(body: bytes, *, ndjson: bool) -> list[ParsedEvent]:
    try:
        return read(body, ndjson=ndjson)
    except CalltallyError:
        return []


@given(st.dictionaries(names, json_values))
def test_any_object_is_parsed_or_refused_with_sendable_text(fields: dict[str, Any]) -> None:
    for parsed in read_or_refuse(json.dumps(EVENT | fields).encode(), ndjson=False):
        assert (parsed.fact is None) == bool(parsed.faults)
        assert msgspec.json.encode(parsed.faults)
        assert msgspec.msgpack.encode(parsed.fact)


@given(st.binary() | st.text().map(str.encode), st.booleans())
def test_any_bytes_are_parsed_or_refused(body: bytes, ndjson: bool) -> None:  # noqa: FBT001 - drawn
    read_or_refuse(body, ndjson=ndjson)


@given(st.text(st.characters(categories=["Cs", "L", "N", "Zs"])))
def test_unpaired_surrogates_are_refused(text: str) -> None:
    parsed = read_or_refuse(
        json.dumps(EVENT | {"summary": text, "metadata": {text: text}}).encode(), ndjson=False
    )
    assert all(each.fact is None or each.fact.stated["summary"].encode() for each in parsed)
