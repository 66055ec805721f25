"""What Plivo does that others do not: each trap by its name."""

from base64 import b64encode
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plivo.utils import validate_signature, validate_v3_signature
from plivo.utils.signature_v3 import construct_get_url, construct_post_url

from calltally.calls.events import Door, Fact
from calltally.calls.identity import Node
from calltally.calls.lifecycle import fold
from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.plivo.normalise import facts_of
from calltally.providers.plivo.resources import fact_of
from calltally.providers.plivo.signature import signed_tail, verify
from calltally.providers.signatures import hmac_of
from tests.unit.providers.plivo.samples import ENDED, NONCE, SAMPLES, TALK, asked, posted, record
from tests.unit.providers.sampling import FORM, NOW_US, Sent, signed

TOKEN = SAMPLES.secrets["auth_token"]
URL = "https://calls.example/hook?line=sales"


def fact(sent: Sent) -> Fact:
    (only,) = facts_of(signed("plivo", sent))
    return only


def listed(**changes: object) -> Fact:
    return fact_of(record(**changes), RecordSource(Door.IMPORT, NOW_US, "MA"))


def test_times_in_the_list_have_the_offset_of_the_accounts_zone() -> None:
    said = listed().said
    assert said["started_us"] == parse_instant("2026-08-22T08:00:00Z")
    assert said["answered_us"] == parse_instant("2026-08-22T08:00:05Z")
    assert listed(answer_time="2026-08-22 03:00:05-05:00").said["answered_us"] == said["answered_us"]


def test_times_in_callbacks_are_utc_without_saying_so() -> None:
    said = fact(posted("completed", "Hangup", **ENDED)).said
    assert said["answered_us"] == parse_instant("2026-08-22T08:00:05Z")


def test_the_ringing_is_no_part_of_the_talk() -> None:
    """Peers, point 9."""
    said = fact(posted("completed", "Hangup", **ENDED)).said
    assert "talk_seconds" not in said
    call = fold("acme", Node(TALK, is_carrier=True), [fact(posted("completed", "Hangup", **ENDED))]).call
    assert call.duration_seconds == 37
    assert fact(posted("completed", "Hangup", Duration="9")).said["talk_seconds"] == 9


def test_the_billed_duration_is_not_the_talk() -> None:
    assert listed().said["talk_seconds"] == 37
    assert listed(bill_duration=61, billed_duration=120).said["talk_seconds"] == 61


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1000, "canceled"),
        (3000, "no-answer"),
        (3010, "busy"),
        (3020, "failed"),
        (5010, "failed"),
        (None, None),
    ],
)
def test_the_list_says_by_a_code_how_a_call_ended_that_nobody_answered(
    code: int | None, status: str | None
) -> None:
    said = listed(answer_time=None, bill_duration=0, hangup_cause_code=code).said
    assert said.get("status") == status
    assert listed(hangup_cause_code=code).said["status"] == "completed"


@pytest.mark.parametrize(
    ("word", "status"), [("cancel", "canceled"), ("timeout", "failed"), ("no-answer", "no-answer")]
)
def test_words_of_its_own(word: str, status: str) -> None:
    assert fact(posted(word, "Hangup")).said["status"] == status


@pytest.mark.parametrize(("word", "answered_by"), [("true", "machine"), ("false", "human")])
def test_machine_is_a_truth(word: str, answered_by: str) -> None:
    assert fact(posted("in-progress", "MachineDetection", Machine=word)).said["answered_by"] == answered_by


def test_a_callback_by_get_says_the_same_as_by_post() -> None:
    assert (
        fact(asked("ringing", "Ring")).said
        == fact(posted("ringing", "Ring", "cccccccc-cea3-4458-bbdb-0bfc314ee7cd")).said
    )


def test_the_request_id_of_a_list_makes_no_other_content() -> None:
    assert listed(api_id="another").key == listed().key


@pytest.mark.parametrize("sent", SAMPLES.story, ids=lambda sent: str((sent.body or sent.query)[-60:]))
def test_the_sdk_takes_what_we_take(sent: Sent) -> None:
    callback = signed("plivo", sent)
    params = parse_qs(sent.body.decode(), keep_blank_values=True)
    signature = callback.headers["x-plivo-signature-v3"]
    assert validate_v3_signature(sent.method, callback.url, NONCE, TOKEN, signature, params)


texts = st.text(st.sampled_from("aB0 &=+./%"), min_size=1, max_size=4)
pairs = st.lists(st.tuples(texts, texts), max_size=4)


@given(query=pairs, params=pairs)
def test_what_is_signed_is_what_the_sdk_signs(
    query: list[tuple[str, str]], params: list[tuple[str, str]]
) -> None:
    url = "https://calls.example/hook" + (f"?{urlencode(query)}" if query else "")
    body = urlencode(params).encode()
    asked_for = Callback("GET", url, {}, b"", NOW_US)
    assert "https://calls.example/hook" + signed_tail(asked_for) == construct_get_url(url, {}).decode()
    sent = Callback("POST", url, {"content-type": FORM}, body, NOW_US)
    parsed = parse_qs(body.decode(), keep_blank_values=True)
    assert "https://calls.example/hook" + signed_tail(sent) == construct_post_url(url, parsed).decode()


def test_the_signature_of_a_get_vouches_for_no_body() -> None:
    """What is read is what was signed: the query alone."""
    callback = signed("plivo", asked("ringing", "Ring"))
    assert verify(callback, SAMPLES.secrets)
    forged = posted("completed", "Hangup", **ENDED).body
    headers = {**callback.headers, "content-type": FORM}
    assert not verify(replace(callback, headers=headers, body=forged), SAMPLES.secrets)


def v2(headers: dict[str, str]) -> Callback:
    return Callback("POST", URL, {"content-type": FORM, **headers}, b"CallUUID=1", NOW_US)


def test_v2_vouches_for_no_body_and_is_taken_only_where_it_was_asked_for() -> None:
    signature = b64encode(hmac_of(TOKEN.encode(), b"https://calls.example/hook" + NONCE.encode())).decode()
    assert validate_signature(URL, NONCE, signature, TOKEN)
    for name in ("x-plivo-signature-v2", "x-plivo-signature-ma-v2"):
        callback = v2({name: signature, "x-plivo-signature-v2-nonce": NONCE})
        assert verify(callback, {"auth_token_v2": TOKEN})
        assert not verify(callback, {"auth_token": TOKEN})
        assert not verify(callback, {"auth_token_v2": "another"})


def test_the_main_accounts_signature_and_one_of_several_are_taken() -> None:
    genuine = signed("plivo", posted("ringing", "Ring"))
    signature = genuine.headers["x-plivo-signature-v3"]
    for headers in (
        {"x-plivo-signature-ma-v3": signature},
        {"x-plivo-signature-v3": f"b3RoZXI=,{signature}"},
        {"x-plivo-signature-v3": "b3RoZXI=", "x-plivo-signature-ma-v3": signature},
    ):
        sent = {"content-type": FORM, "x-plivo-signature-v3-nonce": NONCE, **headers}
        assert verify(Callback("POST", genuine.url, sent, genuine.body, NOW_US), {"auth_token": TOKEN})
    json_body = Callback(
        "POST", genuine.url, {**genuine.headers, "content-type": "application/json"}, b"{}", NOW_US
    )
    assert not verify(json_body, {"auth_token": TOKEN})


def test_of_many_signatures_ten_are_compared() -> None:
    genuine = signed("plivo", posted("ringing", "Ring"))
    right = genuine.headers["x-plivo-signature-v3"]
    for wrong, is_in in ((9, True), (10, False)):
        header = ",".join([*["x"] * wrong, right])
        headers = {**genuine.headers, "x-plivo-signature-v3": header, "x-plivo-signature-ma-v3": ""}
        changed = Callback(genuine.method, genuine.url, headers, genuine.body, NOW_US)
        assert verify(changed, SAMPLES.secrets) is is_in
