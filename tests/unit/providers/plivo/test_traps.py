"""Peculiarities of Plivo, one test each."""

from base64 import b64encode
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from plivo.utils import validate_signature, validate_v3_signature
from plivo.utils.signature_v3 import construct_get_url, construct_post_url

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold, fold_ending
from calltally.calls.identity import Node
from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.plivo.normalise import facts_of
from calltally.providers.plivo.resources import fact_of
from calltally.providers.plivo.signature import signed_tail, verify
from calltally.providers.signatures import hmac_of
from tests.unit.providers.plivo.samples import ENDED, NONCE, SAMPLES, TALK, by_get, posted, record
from tests.unit.providers.sampling import FORM, NOW_US, Sent, signed

TOKEN = SAMPLES.secrets["auth_token"]
URL = "https://calls.example/hook?line=sales"


def fact(sent: Sent) -> Fact:
    (only,) = facts_of(signed("plivo", sent))
    return only


def listed(**changes: object) -> Fact:
    return fact_of(record(**changes), RecordSource(Channel.IMPORT, NOW_US, "MA"))


def test_list_times_have_the_offset_of_the_account_zone() -> None:
    statement = listed().stated
    assert statement["started_us"] == parse_instant("2026-08-22T08:00:00Z")
    assert statement["answered_us"] == parse_instant("2026-08-22T08:00:05Z")
    assert listed(answer_time="2026-08-22 03:00:05-05:00").stated["answered_us"] == statement["answered_us"]


def test_callback_times_without_an_offset_are_utc() -> None:
    statement = fact(posted("completed", "Hangup", **ENDED)).stated
    assert statement["answered_us"] == parse_instant("2026-08-22T08:00:05Z")


def test_talk_time_excludes_the_ringing() -> None:
    """Peers, point 9."""
    statement = fact(posted("completed", "Hangup", **ENDED)).stated
    assert "talk_seconds" not in statement
    call = fold("acme", Node(TALK, is_carrier=True), [fact(posted("completed", "Hangup", **ENDED))]).call
    assert call.duration_seconds == 37
    assert fact(posted("completed", "Hangup", Duration="9")).stated["talk_seconds"] == 9


def test_billed_duration_is_not_the_talk_time() -> None:
    assert listed().stated["talk_seconds"] == 37
    assert listed(bill_duration=61, billed_duration=120).stated["talk_seconds"] == 61


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1000, "canceled"),
        (3000, "no-answer"),
        (3010, "busy"),
        (3020, "failed"),
        (5010, "failed"),
        (3100, "busy"),
        (6010, "no-answer"),
        (None, "failed"),
    ],
)
def test_hangup_codes_give_the_status_of_unanswered_calls(code: int | None, status: str | None) -> None:
    statement = listed(answer_time=None, bill_duration=0, hangup_cause_code=code).stated
    assert statement.get("status") == status
    assert listed(hangup_cause_code=code).stated["status"] == "completed"


@pytest.mark.parametrize(
    ("word", "status"), [("cancel", "canceled"), ("timeout", "failed"), ("no-answer", "no-answer")]
)
def test_plivo_statuses_are_mapped(word: str, status: str) -> None:
    assert fact(posted(word, "Hangup")).stated["status"] == status


@pytest.mark.parametrize(("word", "answered_by"), [("true", "machine"), ("false", "human")])
def test_machine_is_a_boolean(word: str, answered_by: str) -> None:
    assert fact(posted("in-progress", "MachineDetection", Machine=word)).stated["answered_by"] == answered_by


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TotalCost", "free"),
        ("Machine", "maybe"),
        ("RecordUrl", "/1.mp3"),
        ("Direction", "up"),
        ("Duration", "x"),
    ],
)
def test_an_unreadable_secondary_value_does_not_lose_the_end(name: str, value: str) -> None:
    ended = {"EndTime": ENDED["EndTime"], "Duration": "9", name: value}
    statement = fact(posted("completed", "Hangup", **ended)).stated
    assert (statement["status"], statement["unread_fields"]) == ("completed", [name])
    assert listed(total_amount="free").stated["unread_fields"] == ["total_amount"]


@pytest.mark.parametrize(
    ("source", "direction", "reason"),
    [
        ("Caller", "outbound", "local-hung-up"),
        ("Caller", "inbound", "remote-hung-up"),
        ("Callee", "outbound", "remote-hung-up"),
        ("Call recipient", "inbound", "local-hung-up"),
        ("API Request", "inbound", "local-hung-up"),
        ("Answer XML", "outbound", "local-hung-up"),
        ("Carrier", "outbound", "unknown"),
    ],
)
def test_who_hung_up(source: str, direction: str, reason: str) -> None:
    found = fact(posted("completed", "Hangup", **{**ENDED, "HangupSource": source, "Direction": direction}))
    in_list = listed(hangup_source=source, call_direction=direction)
    for each in (found, in_list):
        assert fold("acme", Node(TALK, is_carrier=True), [each, each]).call.end_reason == reason
        assert "unread_fields" not in each.stated


@pytest.mark.parametrize(
    ("code", "status", "reason", "side"),
    [
        ("3010", "busy", "busy", "called"),
        ("3020", "failed", "rejected", "called"),
        ("3050", "failed", "invalid-number", "caller"),
        ("3090", "failed", "network", "network"),
        ("3130", "failed", "rejected", "network"),
        ("5010", "failed", "provider-error", "provider"),
        ("1010", "failed", "limit-reached", "tenant"),
        ("8011", "failed", "agent-error", "tenant"),
        ("7777", "failed", "unknown", None),
    ],
)
def test_hangup_codes_give_the_reason_and_the_side(
    code: str, status: str, reason: str, side: str | None
) -> None:
    ended = fact(posted(status, "Hangup", HangupCauseCode=code, HangupCauseName="A Display Name"))
    in_list = listed(answer_time=None, bill_duration=0, hangup_cause_code=int(code), hangup_source="Carrier")
    for each in (ended, in_list):
        call = fold("acme", Node(TALK, is_carrier=True), [each]).call
        assert (call.status, call.end_reason, call.error_code) == (status, reason, code)
        assert fold_ending([each, each]).side == side


def test_a_display_name_does_not_replace_the_cause() -> None:
    for more in ({"HangupCauseCode": "3010"}, {}):
        busy = {"HangupCause": "USER_BUSY", "HangupCauseName": "Busy Line", **more}
        ending = fold_ending([fact(posted("failed", "Hangup", **busy))])
        assert (ending.reason, ending.provider_word) == ("busy", "USER_BUSY")
    assert fold_ending([fact(posted("failed", "Hangup", HangupCauseName="Odd"))]).provider_word == "Odd"


@pytest.mark.parametrize(
    ("word", "outcome"), [("completed", "bridged"), ("busy", "failed"), ("cancel", "failed")]
)
def test_the_end_of_a_dial_is_a_transfer(word: str, outcome: str) -> None:
    dialled = fact(posted("in-progress", "DialAction", DialStatus=word, DialBLegTo="14155550199"))
    story = [dialled, fact(posted("completed", "Hangup", **ENDED))]
    for order in (story, story[::-1], story * 2):
        call = fold("acme", Node(TALK, is_carrier=True), order).call
        assert call.transfer == {"target": "+14155550199", "outcome": outcome}


def test_get_and_post_callbacks_have_the_same_fields() -> None:
    assert (
        fact(by_get("ringing", "Ring")).stated
        == fact(posted("ringing", "Ring", "cccccccc-cea3-4458-bbdb-0bfc314ee7cd")).stated
    )


def test_request_ids_of_lists_do_not_change_the_digest() -> None:
    assert listed(api_id="another").key == listed().key


@pytest.mark.parametrize("sent", SAMPLES.story, ids=lambda sent: str((sent.body or sent.query)[-60:]))
def test_the_sdk_accepts_the_same_signatures(sent: Sent) -> None:
    callback = signed("plivo", sent)
    params = parse_qs(sent.body.decode(), keep_blank_values=True)
    signature = callback.headers["x-plivo-signature-v3"]
    assert validate_v3_signature(sent.method, callback.url, NONCE, TOKEN, signature, params)


texts = st.text(st.sampled_from("aB0 &=+./%"), min_size=1, max_size=4)
pairs = st.lists(st.tuples(texts, texts), max_size=4)


@given(query=pairs, params=pairs)
def test_the_signed_message_equals_that_of_the_sdk(
    query: list[tuple[str, str]], params: list[tuple[str, str]]
) -> None:
    url = "https://calls.example/hook" + (f"?{urlencode(query)}" if query else "")
    body = urlencode(params).encode()
    get_request = Callback("GET", url, {}, b"", NOW_US)
    assert "https://calls.example/hook" + signed_tail(get_request) == construct_get_url(url, {}).decode()
    sent = Callback("POST", url, {"content-type": FORM}, body, NOW_US)
    parsed = parse_qs(body.decode(), keep_blank_values=True)
    assert "https://calls.example/hook" + signed_tail(sent) == construct_post_url(url, parsed).decode()


def test_signatures_of_get_requests_cover_no_body() -> None:
    """Only the signed query is read."""
    callback = signed("plivo", by_get("ringing", "Ring"))
    assert verify(callback, SAMPLES.secrets)
    forged = posted("completed", "Hangup", **ENDED).body
    headers = {**callback.headers, "content-type": FORM}
    assert not verify(replace(callback, headers=headers, body=forged), SAMPLES.secrets)


def v2(headers: dict[str, str]) -> Callback:
    return Callback("POST", URL, {"content-type": FORM, **headers}, b"CallUUID=1", NOW_US)


def test_v2_covers_no_body_and_needs_its_own_token() -> None:
    signature = b64encode(hmac_of(TOKEN.encode(), b"https://calls.example/hook" + NONCE.encode())).decode()
    assert validate_signature(URL, NONCE, signature, TOKEN)
    for name in ("x-plivo-signature-v2", "x-plivo-signature-ma-v2"):
        callback = v2({name: signature, "x-plivo-signature-v2-nonce": NONCE})
        assert verify(callback, {"auth_token_v2": TOKEN})
        assert not verify(callback, {"auth_token": TOKEN})
        assert not verify(callback, {"auth_token_v2": "another"})


def test_main_account_and_repeated_signatures_are_accepted() -> None:
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


def test_at_most_ten_signatures_are_compared() -> None:
    genuine = signed("plivo", posted("ringing", "Ring"))
    right = genuine.headers["x-plivo-signature-v3"]
    for wrong, is_in in ((9, True), (10, False)):
        header = ",".join([*["x"] * wrong, right])
        headers = {**genuine.headers, "x-plivo-signature-v3": header, "x-plivo-signature-ma-v3": ""}
        changed = Callback(genuine.method, genuine.url, headers, genuine.body, NOW_US)
        assert verify(changed, SAMPLES.secrets) is is_in
