"""Messages of unread kinds are stored and counted; only those with a call state are dead letters.

Each message has the vendor's shape with our own values, and is signed like the provider's samples.
"""

import json
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from calltally.ingest.callbacks import ParsedFacts, UnparsedBody, is_genuine, read_facts
from calltally.providers.message_kinds import OTHER
from calltally.providers.registry import PROVIDERS, WEBHOOKS
from tests.unit.providers.sampling import FORM, Sent, samples_of, signed
from tests.unit.providers.twilio.samples import json_body

CALL: Final = "0a1b2c3d-0000-4000-8000-000000000001"
CONVERSATION: Final = "CON-0a1b2c3d-0000-4000-8000-000000000001"
VAPI_CALL: Final = {"id": CALL, "orgId": "org-1", "type": "inboundPhoneCall", "status": "ended"}
ROOM: Final = {"sid": "RM_1", "name": "call-1"}


def body(content: object) -> Sent:
    return Sent(json.dumps(content).encode())


def form(**params: str) -> Sent:
    return Sent(urlencode(params).encode(), FORM)


def vapi(kind: str, **fields: object) -> Sent:
    return body({"message": {"type": kind, "timestamp": 1_787_385_660_000, "call": VAPI_CALL, **fields}})


def livekit(event: str, **fields: object) -> Sent:
    return body({"event": event, "id": "EV_1", "createdAt": "1787385660", "room": ROOM, **fields})


def job(status: str) -> dict[str, Any]:
    state = {"status": status, "startedAt": "1787385600000000000"}
    return {
        "id": "AJ_1",
        "dispatchId": "AD_1",
        "type": "JT_ROOM",
        "room": ROOM,
        "agentName": "a",
        "state": state,
    }


def elevenlabs(kind: str, **data: object) -> Sent:
    return body({"type": kind, "event_timestamp": 1_787_385_660, "data": data})


def telnyx(kind: str, **payload: object) -> Sent:
    event = {"record_type": "event", "event_type": kind, "id": "0ccc7b54-1", "payload": payload}
    return body({"data": {**event, "occurred_at": "2026-08-22T08:00:42.700Z"}, "meta": {"attempt": 1}})


def stream(kind: str, **data: object) -> Sent:
    """Return an event of Twilio's Event Streams in a batch."""
    return json_body([{"specversion": "1.0", "type": kind, "id": "EZ1", "source": "Sink", "data": data}])


VONAGE_RECORD: Final = body(
    {
        "start_time": "2026-08-22T08:00:05Z",
        "end_time": "2026-08-22T08:00:42Z",
        "recording_url": "https://api.nexmo.com/v1/files/aaaaaaaa-0000-4000-8000-0123456789ab",
        "recording_uuid": "aaaaaaaa-0000-4000-8000-0123456789ab",
        "conversation_uuid": CONVERSATION,
        "size": 12_222,
        "timestamp": "2026-08-22T08:00:43Z",
    }
)
PARTICIPANT: Final = {
    "sid": "PA_1",
    "kind": "SIP",
    "attributes": {"sip.callID": "S", "sip.callStatus": "active"},
}
CONFERENCE: Final = {
    "ConferenceSid": "CF" + "1" * 32,
    "FriendlyName": "standup",
    "AccountSid": "AC" + "2" * 32,
    "StatusCallbackEvent": "conference-end",
    "SequenceNumber": "4",
    "Timestamp": "Sat, 22 Aug 2026 08:00:42 +0000",
}
COUNTED: Final = [
    (
        "vapi",
        vapi("call.artifact.upload", artifacts=[{"name": "recording", "ok": True}]),
        "call.artifact.upload",
    ),
    ("vapi", vapi("campaign.predial", customer={"number": "+14155550123"}), "campaign.*"),
    ("vapi", vapi("dream-sequence"), OTHER),
    ("vapi", vapi("asset-upload", status="stored"), OTHER),
    ("livekit", livekit("agent_job_started", job=job("JS_RUNNING")), "agent_job_*"),
    ("livekit", livekit("agent_job_pending", job=job("JS_PENDING")), "agent_job_*"),
    ("livekit", livekit("agent_job_ended", job=job("JS_SUCCESS")), "agent_job_*"),
    ("livekit", livekit("moon_landed"), OTHER),
    ("elevenlabs", elevenlabs("voice_removed", voice_id="v-1"), "voice_*"),
    ("elevenlabs", elevenlabs("speech_to_text_transcription", request_id="r-1"), "speech_to_text_*"),
    ("elevenlabs", elevenlabs("flows_generation", generation_id="g-1"), OTHER),
    ("telnyx", telnyx("conference.created", conference_id="c-1", name="standup"), "conference.*"),
    ("telnyx", telnyx("call.conversation_insights.generated", conversation_id="c-1"), "call.*"),
    ("telnyx", telnyx("weather.changed", is_raining=True), OTHER),
    ("vonage", VONAGE_RECORD, "record"),
    ("vonage", body({"conversation_uuid": CONVERSATION, "reason": "the NCCO was no JSON"}), "error"),
    ("vonage", body({"conversation_uuid": CONVERSATION, "status": "dreaming"}), OTHER),
    ("retell", body({"event": "alert_triggered", "alert": {"alert_id": "a-1"}}), OTHER),
    ("twilio", form(**CONFERENCE), "conference"),
    ("twilio", form(MessageSid="SM" + "1" * 32, MessageStatus="delivered"), "message"),
    ("twilio", stream("com.twilio.eventstreams.test-event", test_id="t-1"), "com.twilio.eventstreams.*"),
    (
        "twilio",
        stream("com.twilio.voice.insights.call-event.gateway", name="completed", call_state="completed"),
        "com.twilio.voice.insights.call-event.*",
    ),
    ("twilio", stream("com.twilio.voice.weather", rain=True), OTHER),
    ("signalwire", form(**CONFERENCE), "conference"),
    ("plivo", form(ConferenceName="standup", ConferenceUUID="c-1", ConferenceAction="exit"), "conference"),
    ("jambonz", body({"queue_sid": "q-1", "event": "joined", "length": 2}), "queue_sid"),
    ("bland", body({"category": "latency", "message": "1.2 s", "log_level": "info"}), "latency"),
]
# Messages with a call state: their content may be missing in a record.
DEAD_LETTERS: Final = [
    ("vapi", vapi("call-resumed", status="in-progress")),
    ("vapi", vapi("call-report-v2", endedReason="customer-ended-call")),
    ("livekit", livekit("participant_moved", participant=PARTICIPANT)),
    ("elevenlabs", elevenlabs("post_call_v2", conversation_id="conv_1", status="done")),
    ("telnyx", telnyx("call.hangup", hangup_cause="user_busy")),
    ("vonage", body({"conversation_uuid": CONVERSATION, "status": "completed"})),
    ("retell", body({"event": "call_parked", "call": {"call_id": "c-1", "call_status": "ongoing"}})),
    ("twilio", form(CallStatus="completed", AccountSid="AC" + "2" * 32)),
    ("twilio", stream("com.twilio.voice.call.v9", call_sid="CA1", call_state="completed")),
    ("signalwire", form(CallStatus="completed")),
    ("plivo", form(CallStatus="completed", Event="Hangup")),
    ("jambonz", body({"call_status": "completed"})),
    ("bland", body({"category": "call", "status": "completed"})),
]


def read(name: str, sent: Sent) -> ParsedFacts:
    callback = signed(name, sent)
    assert is_genuine(PROVIDERS[name], callback, samples_of(name).secrets)
    return read_facts(PROVIDERS[name], callback)


@pytest.mark.parametrize(("name", "sent", "counted"), COUNTED)
def test_messages_of_unknown_kinds_are_stored_and_counted(name: str, sent: Sent, counted: str) -> None:
    result = read(name, sent)
    assert isinstance(result, UnparsedBody), result
    assert (result.kind, bool(result.reason)) == (counted, True)


@pytest.mark.parametrize(("name", "sent"), DEAD_LETTERS)
def test_messages_with_a_call_state_are_dead_letters(name: str, sent: Sent) -> None:
    result = read(name, sent)
    assert isinstance(result, UnparsedBody), result
    assert (result.kind, bool(result.reason)) == ("", True)


@pytest.mark.parametrize("name", WEBHOOKS)
def test_unnamed_calls_and_unknown_words_are_dead_letters(name: str) -> None:
    """Reports without a call, and unknown states, do not count as unknown kinds."""
    for sent in (samples_of(name).unnamed, samples_of(name).unknown[0]):
        result = read_facts(PROVIDERS[name], signed(name, sent))
        assert not isinstance(result, UnparsedBody) or result.kind == ""
    assert len(WEBHOOKS[name].unread_kinds) <= 20
    assert OTHER not in WEBHOOKS[name].unread_kinds
