"""Fields of callbacks that the coverage pages do not list."""

import json
from urllib.parse import urlencode

from calltally.providers.callback import Callback
from calltally.providers.known_fields import MAX_NAME_CHARS, is_known, unlisted_fields
from tests.unit.providers.sampling import FORM, HOST, JSON, NOW_US


def posted(body: bytes, content_type: str, query: str = "") -> Callback:
    return Callback("POST", f"{HOST}/?{query}", {"content-type": content_type}, body, NOW_US)


def test_new_parameters_of_a_form_and_of_a_query_are_named_once() -> None:
    form = urlencode({"CallSid": "CA1", "CallStatus": "ringing", "NewParameter": "1", "SipHeader_X-Own": "1"})
    assert unlisted_fields("twilio", posted(form.encode(), FORM, "BodyNew=1&BodyNew=2")) == (
        "BodyNew",
        "NewParameter",
    )


def test_new_fields_of_nested_objects_and_lists_are_named_by_their_path() -> None:
    event = {"data": {"payload": {"call_control_id": "1", "legs": [{"new": 1}, {"new": 2}]}, "added": None}}
    assert unlisted_fields("telnyx", posted(json.dumps(event).encode(), JSON)) == (
        "data.payload.legs[].new",
        "data.added",
    )


def test_a_record_in_a_page_has_the_fields_of_a_record_alone() -> None:
    page = {"calls": [{"sid": "CA1", "status": "busy", "brand_new": 1}]}
    assert unlisted_fields("twilio", posted(json.dumps(page).encode(), JSON)) == ("calls[].brand_new",)


def test_names_that_a_tenant_chooses_are_listed() -> None:
    assert is_known("retell", "call.metadata.order.id")
    assert is_known("retell", "call.metadata")
    assert not is_known("retell", "call.metadata_of_something")


def test_a_body_adds_a_bounded_number_of_short_names() -> None:
    body = json.dumps({f"{'n' * 200}{number}": number for number in range(50)}).encode()
    assert unlisted_fields("telnyx", posted(body, JSON)) == ("n" * MAX_NAME_CHARS,)
    body = json.dumps({f"field{number}": number for number in range(50)}).encode()
    assert len(unlisted_fields("telnyx", posted(body, JSON))) == 20


def test_long_and_deep_names_are_cut_where_they_begin() -> None:
    wide = {"k" * 100_000: {str(number): number for number in range(2_000)}}
    assert unlisted_fields("telnyx", posted(json.dumps(wide).encode(), JSON)) == ("k" * MAX_NAME_CHARS,)
    for name in ("", "a"):
        deep = b'{"%s":' % name.encode() * 900 + b"1" + b"}" * 900
        assert len(unlisted_fields("telnyx", posted(deep, JSON))) == len(name)
    assert unlisted_fields("telnyx", posted(b"[" * 100_000 + b"]" * 100_000, JSON)) == ()


def test_bodies_without_names_and_generic_providers_have_none() -> None:
    assert unlisted_fields("freeswitch", posted(b"<cdr/>", "text/xml")) == ()
    assert unlisted_fields("twilio", posted(b"", FORM, "note=%FF")) == ()
    assert unlisted_fields("generic", posted(b'{"any": 1}', JSON)) == ()
