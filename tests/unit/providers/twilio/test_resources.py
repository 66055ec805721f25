import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact
from calltally.calls.times import parse_instant
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.registry import RECORDS
from tests.unit.providers.twilio.signing import RECEIVED_US

CALL: dict[str, Any] = {
    "sid": "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "status": "completed",
    "direction": "inbound",
    "from": "+14158675308",
    "to": "+14158675309",
    "duration": "15",
    "date_created": "Tue, 31 Aug 2010 20:36:28 +0000",
    "date_updated": "Tue, 31 Aug 2010 20:36:50 +0000",
    "start_time": "Tue, 31 Aug 2010 20:36:29 +0000",
    "end_time": "Tue, 31 Aug 2010 20:36:44 +0000",
    "price": "-0.03000",
    "price_unit": "USD",
    "answered_by": None,
    "parent_call_sid": None,
    "subresource_uris": {"events": "/2010-04-01/Events.json"},
    "uri": "/2010-04-01/Calls/CA.json",
}


def parsed(lines: Iterable[bytes], channel: Channel = Channel.IMPORT) -> list[Fact | UnreadableRecord]:
    return list(RECORDS["twilio"](lines, RecordSource(channel, RECEIVED_US)))


def parsed_document(document: object, *, indent: int | None = None) -> list[Fact | UnreadableRecord]:
    return parsed(json.dumps(document, indent=indent).encode().splitlines(keepends=True))


def fact(**changes: object) -> Fact:
    (only,) = parsed_document({**CALL, **changes})
    assert isinstance(only, Fact), only
    return only


def refusal(**changes: object) -> str:
    (only,) = parsed_document([{**CALL, **changes}])
    assert isinstance(only, UnreadableRecord), only
    assert only.position == "line 1[0]"
    return only.reason


def sids(items: list[Fact | UnreadableRecord]) -> list[str]:
    return [item.call_sid if isinstance(item, Fact) else item.position for item in items]


def test_resources_are_read_completely() -> None:
    found = fact()
    assert found.call_sid == CALL["sid"]
    assert (found.channel, found.provider, found.account) == (Channel.IMPORT, "twilio", CALL["account_sid"])
    assert (found.event_id, found.sequence, found.is_carrier) == ("", None, True)
    assert found.occurred_us == parse_instant("2010-08-31T20:36:44Z")
    assert json.loads(found.raw) == CALL
    assert found.stated == {
        "status": "completed",
        "direction": "inbound",
        "from_number": "+14158675308",
        "to_number": "+14158675309",
        "talk_seconds": 15,
        "started_us": parse_instant("2010-08-31T20:36:29Z"),
        "ended_us": parse_instant("2010-08-31T20:36:44Z"),
        "cost": {"amount": "0.03000", "currency": "USD"},
        "provider": "twilio",
        "provider_account": CALL["account_sid"],
    }


def test_the_fact_has_the_latest_time_of_the_resource() -> None:
    times = dict.fromkeys(("end_time", "start_time", "date_updated", "date_created"))
    for name in times:
        later = {other: None for other in times if list(times).index(other) < list(times).index(name)}
        assert fact(**later).occurred_us == fact(**{**times, name: CALL[name]}).occurred_us
    assert fact(**times).occurred_us == RECEIVED_US


def test_open_calls_have_no_talk_time() -> None:
    assert "talk_seconds" not in fact(status="in-progress", duration="3").stated
    assert "talk_seconds" not in fact(status="busy", duration=None).stated


@pytest.mark.parametrize(
    ("price", "unit", "cost"),
    [
        ("-0.200", "usd", {"amount": "0.200", "currency": "USD"}),
        ("0.1", None, {"amount": "0.1", "currency": None}),
        (-2, "JPY", {"amount": "2", "currency": "JPY"}),
        (None, "USD", None),
        ("", "USD", None),
    ],
)
def test_prices_become_costs_without_a_sign(
    price: object, unit: str | None, cost: dict[str, str] | None
) -> None:
    assert fact(price=price, price_unit=unit).stated.get("cost") == cost


def test_the_channel_comes_from_the_source() -> None:
    (found,) = parsed([json.dumps(CALL).encode()], Channel.PROVIDER_LIST)
    assert isinstance(found, Fact)
    assert found.channel == Channel.PROVIDER_LIST


def test_links_and_key_order_do_not_change_the_digest() -> None:
    assert fact(uri="/v2", subresource_uris={}).key == fact().key
    (reordered,) = parsed_document(dict(reversed(CALL.items())))
    assert isinstance(reordered, Fact)
    assert reordered.key == fact().key
    assert fact(price="-0.04").key != fact().key


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sid": None}, "sid is missing"),
        ({"sid": "S" * 201}, "sid 'SSS"),
        ({"sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "not the id of a call"),
        ({"status": "lost"}, "status 'lost': not one of queued"),
        ({"start_time": "2010-08-31"}, "start_time '2010-08-31'"),
        ({"end_time": "Thu, 01 Jan 1970 00:00:00 +0000"}, "before the year 2000"),
        ({"end_time": "Tue, 31 Aug 2032 20:36:44 +0000"}, "more than 24 h ahead"),
    ],
)
def test_unreadable_values_are_named_with_their_field(changes: dict[str, Any], words: str) -> None:
    reason = refusal(**changes)
    assert all(part in reason for part in words.split(" .* ")), reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("direction", "up"),
        ("duration", "long"),
        ("price", "free"),
        ("price_unit", "dollars"),
        ("from", "a\0b"),
    ],
)
def test_an_unreadable_secondary_value_is_left_out(name: str, value: str) -> None:
    complete, statement = fact().stated, fact(**{name: value}).stated
    assert (statement["status"], statement["unread_fields"]) == (complete["status"], [name])
    assert statement["ended_us"] == complete["ended_us"]
    assert ("cost" in statement) is (name != "price")


OTHER = {**CALL, "sid": "CA2"}
BROKEN = {**CALL, "sid": "CA3", "status": "lost"}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    ("document", "positions"),
    [
        (CALL, [CALL["sid"]]),
        ([CALL, OTHER], [CALL["sid"], "CA2"]),
        ({"calls": [CALL, OTHER], "page": 0}, [CALL["sid"], "CA2"]),
        ([{"calls": [CALL]}, {"calls": [OTHER]}], [CALL["sid"], "CA2"]),
        ({"GET": {"page 1": {"calls": [CALL]}, "fetch": OTHER}}, [CALL["sid"], "CA2"]),
        ({"calls": []}, []),
        ([], []),
    ],
)
def test_each_shape_is_read_on_one_or_more_lines(
    document: object, positions: list[str], indent: int | None
) -> None:
    assert sids(parsed_document(document, indent=indent)) == positions


def test_ndjson_positions_count_blank_lines() -> None:
    lines = [
        json.dumps(CALL).encode(),
        b"\n",
        json.dumps(BROKEN).encode(),
        b"{broken}",
        json.dumps(OTHER).encode(),
    ]
    assert sids(parsed(lines)) == [CALL["sid"], "line 3", "line 4", "CA2"]


def test_ndjson_is_not_read_ahead() -> None:
    taken: list[int] = []

    def lines() -> Iterable[bytes]:
        for number in range(3):
            taken.append(number)
            yield json.dumps({**CALL, "sid": f"CA{number}"}).encode()

    items = RECORDS["twilio"](lines(), RecordSource(Channel.IMPORT, RECEIVED_US))
    next(iter(items))
    assert taken == [0]


def test_a_cut_first_line_does_not_cost_the_rest() -> None:
    assert sids(parsed([b'{"sid": "CA1", "sta\n', json.dumps(OTHER).encode()])) == ["line 1", "CA2"]


def test_one_bad_resource_does_not_cost_the_others() -> None:
    items = parsed_document({"calls": [CALL, 7, BROKEN, None, "x", OTHER]}, indent=1)
    expected = [f"the document calls[{index}]" for index in (1, 2, 3, 4)]
    assert sids(items) == [CALL["sid"], *expected, "CA2"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b'{"sid": "CA1",\n', b'"status"'], "not JSON"),
        ([b"sid,status\n", b"CA1,completed\n"], "not JSON"),
        ([b"[" * 10_000], "not JSON"),
        ([b"\xff\xfe"], "not JSON"),
        (
            [b'{"messages": [{"sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "status": "sent"}]}'],
            "no Call resource",
        ),
        ([b'{"recordings": [{"sid": "RE1", "call_sid": "CA1", "status": "completed"}]}'], "no Call resource"),
        ([b'"CA1"'], "no Call resource"),
    ],
)
def test_files_without_calls_are_refused_once(lines: list[bytes], words: str) -> None:
    (only,) = parsed(lines)
    assert isinstance(only, UnreadableRecord)
    assert words in only.reason


def test_empty_files_give_nothing() -> None:
    assert parsed([]) == parsed([b"\n", b"  \n"]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.sampled_from([*CALL, "calls", "x"]), part, max_size=6)
    ),
    max_leaves=12,
)


@given(document=JSON)
def test_arbitrary_json_is_read_or_refused(document: object) -> None:
    for item in parsed_document(document):
        assert isinstance(item, Fact) or (item.position and item.reason)


@given(lines=st.lists(st.binary(max_size=20), max_size=5))
def test_arbitrary_files_are_read_or_refused(lines: list[bytes]) -> None:
    for item in parsed(lines):
        assert isinstance(item, Fact) or (item.position and item.reason)
