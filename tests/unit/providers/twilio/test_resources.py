import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Door, Fact
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


def told(lines: Iterable[bytes], door: Door = Door.IMPORT) -> list[Fact | UnreadableRecord]:
    return list(RECORDS["twilio"](lines, RecordSource(door, RECEIVED_US)))


def told_of(document: object, *, indent: int | None = None) -> list[Fact | UnreadableRecord]:
    return told(json.dumps(document, indent=indent).encode().splitlines(keepends=True))


def fact(**changes: object) -> Fact:
    (only,) = told_of({**CALL, **changes})
    assert isinstance(only, Fact), only
    return only


def refusal(**changes: object) -> str:
    (only,) = told_of([{**CALL, **changes}])
    assert isinstance(only, UnreadableRecord), only
    assert only.position == "line 1[0]"
    return only.reason


def sids(items: list[Fact | UnreadableRecord]) -> list[str]:
    return [item.call_sid if isinstance(item, Fact) else item.position for item in items]


def test_a_resource_says_all_that_it_knows() -> None:
    found = fact()
    assert found.call_sid == CALL["sid"]
    assert (found.door, found.provider, found.account) == (Door.IMPORT, "twilio", CALL["account_sid"])
    assert (found.event_id, found.sequence, found.is_carrier) == ("", None, True)
    assert found.occurred_us == parse_instant("2010-08-31T20:36:44Z")
    assert json.loads(found.raw) == CALL
    assert found.said == {
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


def test_it_happened_when_it_was_last_known_to_be_true() -> None:
    times = dict.fromkeys(("end_time", "start_time", "date_updated", "date_created"))
    for name in times:
        later = {other: None for other in times if list(times).index(other) < list(times).index(name)}
        assert fact(**later).occurred_us == fact(**{**times, name: CALL[name]}).occurred_us
    assert fact(**times).occurred_us == RECEIVED_US


def test_an_open_call_has_no_talk_time_yet() -> None:
    assert "talk_seconds" not in fact(status="in-progress", duration="3").said
    assert "talk_seconds" not in fact(status="busy", duration=None).said


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
def test_a_price_is_a_cost_without_its_sign(
    price: object, unit: str | None, cost: dict[str, str] | None
) -> None:
    assert fact(price=price, price_unit=unit).said.get("cost") == cost


def test_the_door_is_the_callers() -> None:
    (found,) = told([json.dumps(CALL).encode()], Door.PROVIDER_LIST)
    assert isinstance(found, Fact)
    assert found.door == Door.PROVIDER_LIST


def test_links_and_the_order_of_keys_do_not_make_another_content() -> None:
    assert fact(uri="/v2", subresource_uris={}).key == fact().key
    (turned,) = told_of(dict(reversed(CALL.items())))
    assert isinstance(turned, Fact)
    assert turned.key == fact().key
    assert fact(price="-0.04").key != fact().key


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sid": None}, "sid is missing"),
        ({"sid": "S" * 201}, "sid 'SSS"),
        ({"sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "not the id of a call"),
        ({"status": "lost"}, "status 'lost': not one of queued"),
        ({"direction": "up"}, "direction 'up'"),
        ({"duration": "long"}, "duration 'long'"),
        ({"start_time": "2010-08-31"}, "start_time '2010-08-31'"),
        ({"end_time": "Thu, 01 Jan 1970 00:00:00 +0000"}, "before the year 2000"),
        ({"end_time": "Tue, 31 Aug 2032 20:36:44 +0000"}, "more than 24 h ahead"),
        ({"price": "free"}, "price 'free': not a decimal"),
        ({"price_unit": "dollars"}, "price_unit 'dollars'"),
        ({"from": "a\0b"}, "from .* NUL"),
    ],
)
def test_what_cannot_be_read_names_the_field_and_the_value(changes: dict[str, Any], words: str) -> None:
    reason = refusal(**changes)
    assert all(part in reason for part in words.split(" .* ")), reason


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
def test_every_shape_is_read_on_one_line_or_many(
    document: object, positions: list[str], indent: int | None
) -> None:
    assert sids(told_of(document, indent=indent)) == positions


def test_ndjson_is_read_line_by_line_and_blank_lines_count() -> None:
    lines = [
        json.dumps(CALL).encode(),
        b"\n",
        json.dumps(BROKEN).encode(),
        b"{broken}",
        json.dumps(OTHER).encode(),
    ]
    assert sids(told(lines)) == [CALL["sid"], "line 3", "line 4", "CA2"]


def test_ndjson_is_not_read_ahead() -> None:
    taken: list[int] = []

    def lines() -> Iterable[bytes]:
        for number in range(3):
            taken.append(number)
            yield json.dumps({**CALL, "sid": f"CA{number}"}).encode()

    items = RECORDS["twilio"](lines(), RecordSource(Door.IMPORT, RECEIVED_US))
    next(iter(items))
    assert taken == [0]


def test_a_cut_first_line_does_not_lose_the_rest() -> None:
    assert sids(told([b'{"sid": "CA1", "sta\n', json.dumps(OTHER).encode()])) == ["line 1", "CA2"]


def test_one_bad_resource_does_not_lose_the_others() -> None:
    items = told_of({"calls": [CALL, 7, BROKEN, None, "x", OTHER]}, indent=1)
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
def test_a_file_without_calls_is_refused_once(lines: list[bytes], words: str) -> None:
    (only,) = told(lines)
    assert isinstance(only, UnreadableRecord)
    assert words in only.reason


def test_an_empty_file_says_nothing() -> None:
    assert told([]) == told([b"\n", b"  \n"]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=3) | st.dictionaries(st.sampled_from([*CALL, "calls", "x"]), part, max_size=6)
    ),
    max_leaves=12,
)


@given(document=JSON)
def test_whatever_is_in_the_json_is_read_or_refused(document: object) -> None:
    for item in told_of(document):
        assert isinstance(item, Fact) or (item.position and item.reason)


@given(lines=st.lists(st.binary(max_size=20), max_size=5))
def test_whatever_is_in_the_file_is_read_or_refused(lines: list[bytes]) -> None:
    for item in told(lines):
        assert isinstance(item, Fact) or (item.position and item.reason)
