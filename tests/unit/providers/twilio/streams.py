"""Events of Event Streams in Twilio's shape, with our own values."""

from typing import Any

ACCOUNT = "AC" + "5" * 32
START, END = "2026-08-22T08:00:05Z", "2026-08-22T08:00:40Z"
STAGES = ("partial", "predicted-complete", "complete")
MEDIA: dict[str, Any] = {
    "codec": 0,
    "codec_name": "pcmu",
    "packets_lost": 0,
    "packets_loss_percentage": 0.0,
    "jitter": {"avg": 0.48, "max": 1.48},
}


def envelope(
    event_id: str, kind: str, data: object, time: str = "2026-08-22T08:10:40.000Z"
) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": kind,
        "source": "/v1/Voice/Summary",
        "id": event_id,
        "dataschema": "https://events-schemas.twilio.com/VoiceInsights.CallSummary/7",
        "datacontenttype": "application/json",
        "time": time,
        "data": data,
    }


def event(event_id: str, stage: str, data: object) -> dict[str, Any]:
    """Return a call summary as an event."""
    minute = 10 + 10 * STAGES.index(stage)
    kind = f"com.twilio.voice.insights.call-summary.{stage}"
    return envelope(event_id, kind, data, f"2026-08-22T08:{minute}:40.000Z")


def party(name: str, number: str, **more: object) -> dict[str, Any]:
    return {
        "caller": "",
        "callee": "",
        name: number,
        "carrier": "Example Wireless",
        "connection": "mobile",
        "number_prefix": "1415",
        "location": {"lat": 37.77, "lon": -122.42},
        "city": "",
        "country_code": "US",
        "country_subdivision": "CA",
        "ip_address": "",
        "sdk": None,
        **more,
    }


def properties(**changes: object) -> dict[str, Any]:
    return {
        "q850_cause": 0,
        "last_sip_response_num": 200,
        "pdd_ms": 1200,
        "queue_time": 0,
        "disconnected_by": "callee",
        "direction": "outbound_api",
        **changes,
    }


def state(word: str = "completed", end: str = END, **changes: object) -> dict[str, Any]:
    """Return changes of a summary: its state, its end and other fields."""
    return {"call_state": word, "end_time": end, **changes}


def summary(call_sid: str, **changes: object) -> dict[str, Any]:
    """Return the summary of a call that the called party ended after thirty seconds of talk."""
    return {
        "call_sid": call_sid,
        "account_sid": ACCOUNT,
        "parent_call_sid": "",
        "parent_account_sid": "",
        "created_time": START,
        "start_time": START,
        "end_time": END,
        "duration": 35,
        "connect_duration": 30,
        "call_type": "carrier",
        "call_state": "completed",
        "answered_by": "human",
        "from": party("caller", "+14155550100"),
        "to": party("callee", "+14155550123"),
        "processing_state": "complete",
        "processing_version": 1,
        "sip_edge": None,
        "carrier_edge": {
            "properties": {"media_region": "us1", "edge_location": "ashburn", "direction": "outbound"},
            "metrics": {
                "inbound": {**MEDIA, "packets_received": 1500},
                "outbound": {**MEDIA, "packets_sent": 1490},
            },
        },
        "sdk_edge": None,
        "client_edge": None,
        "tags": ["silence", "high_jitter"],
        "attributes": {"conference_participant": False},
        "properties": properties(),
        "trust": None,
        "annotation": None,
        **changes,
    }


def progress(event_id: str, call_sid: str, word: str, sequence: int, **changes: str) -> dict[str, Any]:
    """Return a status callback to the application as an event; `word` is its state and its kind."""
    second = 5 if word == "initiated" else 40
    params = {
        "CallSid": call_sid,
        "AccountSid": ACCOUNT,
        "CallStatus": word,
        "Direction": "outbound-api",
        "From": "+14155550100",
        "To": "+14155550123",
        "Timestamp": f"Sat, 22 Aug 2026 08:00:{second:02} +0000",
        "SequenceNumber": str(sequence),
        **({"CallDuration": "30"} if word == "completed" else {}),
        **changes,
    }
    data = {
        "sid": call_sid,
        "requestDateCreated": f"Sat, 22 Aug 2026 08:00:{second:02} +0000",
        "timestamp": f"2026-08-22T08:00:{second:02}.000Z",
        "eventSid": f"VW{event_id}",
        "request": {"method": "POST", "url": "https://app.example/status", "parameters": params},
        "response": {
            "responseCode": 200,
            "requestDuration": 140,
            "contentType": "text/plain",
            "responseBody": "",
        },
    }
    kind = f"com.twilio.voice.status-callback.call.{word}"
    return envelope(event_id, kind, data, f"2026-08-22T08:00:{second:02}.500Z")
