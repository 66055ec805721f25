"""Samples of the mapping packs: bodies and files in the vendor's shape with our own values.

Times are on 2026-08-22, a few minutes after 08:00:00 UTC.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from standardwebhooks import Webhook

from tests.unit.providers.generic import pack_tables
from tests.unit.providers.sampling import NOW_US

START_S: Final = 1_787_385_600  # 2026-08-22T08:00:00Z


class PackSamples(NamedTuple):
    """Samples of one pack: bodies in the vendor's order, and the expected fields of the calls by SID.

    `links` has the expected carrier SIDs. `headers` authenticate the first body with `secret`. Without a
    secret the pack reads files only.
    """

    bodies: tuple[bytes, ...]
    calls: Mapping[str, Mapping[str, object]]
    secret: str = ""
    headers: Mapping[str, str] = {}
    links: frozenset[str] = frozenset()


def at(clock: str) -> str:
    """Return a time of the day as our API writes it."""
    return f"2026-08-22T{clock}.000000Z"


def dumped(content: object) -> bytes:
    return json.dumps(content).encode()


# ------------------------------------------------------------------------------------------------ Aircall


def aircall(kind: str, second: int, **changes: Any) -> bytes:  # noqa: ANN401 (JSON)
    call = {
        "id": 812,
        "sid": "CA812",
        "direction": "inbound",
        "status": "initial",
        "missed_call_reason": None,
        "started_at": START_S,
        "answered_at": None,
        "ended_at": None,
        "duration": 0,
        "raw_digits": "+1 415-555-0123",
        "asset": None,
        "user": None,
        "number": {"id": 5, "name": "Sales", "digits": "+1 415-555-0100"},
    }
    envelope = {"resource": "call", "event": kind, "timestamp": START_S + second, "token": "tok-1"}
    return dumped({**envelope, "data": {**call, **changes}})


TALK = {"status": "answered", "answered_at": START_S + 10, "user": {"id": 3, "name": "Ada"}}
DONE = {"status": "done", "ended_at": START_S + 52, "duration": 52}
MISSED = {"id": 813, "missed_call_reason": "short_abandoned"}
OUTBOUND = {"id": 814, "direction": "outbound"}
AIRCALL = PackSamples(
    bodies=(
        aircall("call.created", 0),
        aircall("call.ringing_on_agent", 3),
        aircall("call.answered", 10, **TALK),
        aircall("call.hungup", 52, **{**TALK, **DONE}),
        aircall("call.ended", 80, **{**TALK, **DONE, "asset": "https://assets.example/812"}),
        aircall("call.ended", 35, **{**MISSED, "status": "done", "ended_at": START_S + 4}),
        aircall("call.ended", 60, **{**OUTBOUND, "status": "done", "ended_at": START_S + 30}),
        dumped({"resource": "contact", "event": "contact.updated", "token": "tok-1", "data": {"id": 9}}),
    ),
    calls={
        "812": {
            "status": "completed",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "answered_at": at("08:00:10"),
            "ended_at": at("08:00:52"),
            "duration_seconds": 42,
            "agent": "Ada",
            "recording_url": "https://assets.example/812",
        },
        "813": {"status": "canceled", "ended_at": at("08:00:04"), "duration_seconds": 0},
        "814": {
            "status": "no-answer",
            "direction": "outbound",
            "from_number": "+14155550100",
            "to_number": "+14155550123",
            "duration_seconds": 0,
        },
    },
    secret="tok-1",
)


# -------------------------------------------------------------------------------------------- RingCentral


def ringcentral(session: str, number: int, second: int, code: str, **changes: object) -> bytes:
    reason = changes.pop("reason", None)
    party = {
        "id": f"p-{session}-1",
        "extensionId": "4001",
        "direction": "Inbound",
        "from": {"phoneNumber": "+14155550123"},
        "to": {"phoneNumber": "+14155550100", "extensionId": "4001"},
        "status": {"code": code, **({"reason": reason} if reason else {})},
        "missedCall": False,
        **changes,
    }
    body = {
        "sequence": number,
        "sessionId": "77",
        "telephonySessionId": session,
        "eventTime": f"2026-08-22T08:00:{second:02}.000Z",
        "parties": [party],
        "origin": {"type": "Call"},
    }
    path = "/restapi/v1.0/account/400/telephony/sessions"
    return dumped({"uuid": f"u-{session}-{number}", "event": path, "body": body})


RINGCENTRAL = PackSamples(
    bodies=(
        ringcentral("s-1", 1, 0, "Setup"),
        ringcentral("s-1", 2, 1, "Proceeding"),
        ringcentral("s-1", 3, 10, "Answered"),
        ringcentral("s-1", 4, 52, "Disconnected"),
        ringcentral("s-2", 1, 5, "Proceeding"),
        ringcentral("s-2", 2, 25, "Disconnected", missedCall=True),
        ringcentral("s-3", 1, 6, "Proceeding", direction="Outbound"),
        ringcentral("s-3", 2, 9, "Disconnected", direction="Outbound", reason="TargetBusy"),
        ringcentral("s-4", 1, 11, "Answered"),
        ringcentral("s-4", 2, 30, "Disconnected", reason="BlindTransfer"),
    ),
    calls={
        "s-1": {
            "status": "completed",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "answered_at": at("08:00:10"),
            "ended_at": at("08:00:52"),
            "duration_seconds": 42,
            "agent": "4001",
        },
        "s-2": {"status": "no-answer", "ended_at": at("08:00:25"), "duration_seconds": 0},
        "s-3": {"status": "busy", "direction": "outbound", "duration_seconds": 0},
        "s-4": {"status": "in-progress"},
    },
    secret="tok-2",
    headers={"verification-token": "tok-2"},
)

# ----------------------------------------------------------------------------------------- Amazon Connect


def contact(name: str, **changes: Any) -> bytes:  # noqa: ANN401 (JSON)
    record = {
        "AWSAccountId": "123456789012",
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": name,
        "InitialContactId": None,
        "PreviousContactId": None,
        "NextContactId": None,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-08-22T08:00:00Z",
        "ConnectedToSystemTimestamp": "2026-08-22T08:00:01Z",
        "DisconnectTimestamp": "2026-08-22T08:01:00Z",
        "DisconnectReason": "CUSTOMER_DISCONNECT",
        "LastUpdateTimestamp": "2026-08-22T08:02:00Z",
        "CustomerEndpoint": {"Address": "+14155550123", "Type": "TELEPHONE_NUMBER"},
        "SystemEndpoint": {"Address": "+14155550100", "Type": "TELEPHONE_NUMBER"},
        "Queue": {"Name": "Sales", "Duration": 9},
        "Agent": {"Username": "ada", "ConnectedToAgentTimestamp": "2026-08-22T08:00:10Z"},
    }
    return dumped({**record, **changes})


DIALLED = {"InitiationMethod": "API", "Agent": None, "Queue": None}
AMAZON_CONNECT = PackSamples(
    bodies=(
        contact("c-1", LastUpdateTimestamp="2026-08-22T08:01:30Z", Agent=None),
        contact(
            "c-1",
            TransferredToEndpoint={"Address": "+14155550199", "Type": "TELEPHONE_NUMBER"},
            TransferCompletedTimestamp="2026-08-22T08:00:50Z",
        ),
        contact("c-2", InitiationMethod="TRANSFER", PreviousContactId="c-1", InitialContactId="c-1"),
        contact("c-3", **DIALLED, ConnectedToSystemTimestamp=None, DisconnectReason="TELECOM_BUSY"),
        contact("c-4", **DIALLED, AnsweringMachineDetectionStatus="VOICEMAIL_BEEP"),
        contact("c-5", Channel="CHAT"),
    ),
    calls={
        "c-1": {
            "status": "completed",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "answered_at": at("08:00:01"),
            "ended_at": at("08:01:00"),
            "duration_seconds": 59,
            "agent": "ada",
            "transfer": {"target": "+14155550199", "outcome": "bridged"},
            "end_reason": "remote-hung-up",
        },
        "c-2": {"status": "completed", "direction": None, "parent_call_sid": "c-1"},
        "c-3": {
            "status": "busy",
            "direction": "outbound",
            "from_number": "+14155550100",
            "duration_seconds": 0,
        },
        "c-4": {"status": "completed", "answered_by": "machine"},
    },
    secret="tok-3",
    headers={"authorization": "Bearer tok-3"},
)

# ---------------------------------------------------------------------------------------------- Bandwidth


def bandwidth(kind: str, call: str, clock: str, **changes: object) -> bytes:
    event = {
        "eventType": kind,
        "eventTime": f"2026-08-22T{clock}.000Z",
        "accountId": "9900000",
        "applicationId": "app-1",
        "callId": call,
        "direction": "outbound",
        "from": "+14155550100",
        "to": "+14155550123",
        "callUrl": f"https://voice.example/calls/{call}",
        "tag": None,
    }
    return dumped({**event, **changes})


TIMES = {"startTime": "2026-08-22T08:00:00.000Z", "answerTime": "2026-08-22T08:00:10.000Z"}
END = {"endTime": "2026-08-22T08:00:52.000Z"}
RECORDED = {"startTime": "2026-08-22T08:00:11.000Z", "endTime": "2026-08-22T08:00:40.000Z"}
BANDWIDTH = PackSamples(
    bodies=(
        bandwidth("answer", "b-1", "08:00:10", **TIMES),
        bandwidth("disconnect", "b-1", "08:00:52", **TIMES, **END, cause="hangup"),
        bandwidth("recordingAvailable", "b-1", "08:01:10", **RECORDED, mediaUrl="https://media.example/1"),
        bandwidth("disconnect", "b-2", "08:00:52", **{**TIMES, "answerTime": None}, **END, cause="timeout"),
        bandwidth("disconnect", "b-3", "08:00:52", **TIMES, **END, cause="application-error"),
        bandwidth(
            "transferDisconnect", "b-4", "08:00:52", **TIMES, **END, cause="hangup", parentCallId="b-1"
        ),
        bandwidth("initiate", "b-5", "08:00:00", direction="inbound", startTime=TIMES["startTime"]),
        dumped({"eventType": "conferenceCreated", "conferenceId": "conf-1", "name": "x"}),
    ),
    calls={
        "b-1": {
            "status": "completed",
            "direction": "outbound",
            "from_number": "+14155550100",
            "to_number": "+14155550123",
            "created_at": at("08:00:00"),
            "answered_at": at("08:00:10"),
            "ended_at": at("08:00:52"),
            "duration_seconds": 42,
            "recording_url": "https://media.example/1",
        },
        "b-2": {"status": "no-answer", "duration_seconds": 0},
        "b-3": {"status": "completed", "duration_seconds": 42, "end_reason": "agent-error"},
        "b-4": {"status": "completed", "parent_call_sid": "b-1"},
        "b-5": {"status": "ringing", "direction": "inbound"},
    },
    secret="tok-4",
    headers={"authorization": "Basic " + b64encode(b"calltally:tok-4").decode()},
)

# ------------------------------------------------------------------------------------------- Genesys Cloud


def participant(purpose: str, *segments: tuple[str, str, str], **session: object) -> dict[str, object]:
    listed = [
        {
            "segmentType": kind,
            "segmentStart": f"2026-08-22T{start}.000Z",
            "segmentEnd": f"2026-08-22T{end}.000Z",
            **({"disconnectType": "peer"} if kind == "interact" else {}),
        }
        for kind, start, end in segments
    ]
    return {"purpose": purpose, "sessions": [{"mediaType": "voice", **session, "segments": listed}]}


def conversation(name: str, direction: str, *participants: object, **changes: object) -> dict[str, object]:
    times = {"conversationStart": "2026-08-22T08:00:00.000Z", "conversationEnd": "2026-08-22T08:00:52.000Z"}
    return {
        "conversationId": name,
        "originatingDirection": direction,
        **times,
        "participants": participants,
        **changes,
    }


INBOUND = {"ani": "tel:+14155550123", "dnis": "tel:+14155550100", "direction": "inbound"}
DIALLING = {"ani": "tel:+14155550100", "dnis": "tel:+14155550123", "direction": "outbound"}
AGENT = {**participant("agent", ("interact", "08:00:10", "08:00:52")), "userId": "u-1"}
GENESYS_CLOUD = PackSamples(
    bodies=(
        dumped(
            {
                "conversations": [
                    conversation(
                        "g-1",
                        "inbound",
                        participant("customer", ("interact", "08:00:02", "08:00:52"), **INBOUND),
                        AGENT,
                    ),
                    conversation(
                        "g-2",
                        "outbound",
                        participant("customer", ("contacting", "08:00:00", "08:00:52"), **DIALLING),
                    ),
                ],
                "totalHits": 2,
            }
        ),
        dumped(
            {
                "conversations": [
                    conversation("g-3", "inbound", participant("customer", **INBOUND), conversationEnd=None),
                    conversation("g-4", "inbound", participant("customer", mediaType="chat")),
                    conversation(
                        "g-5",
                        "outbound",
                        participant("user", ("interact", "08:00:00", "08:00:52")),
                        participant("external", ("interact", "08:00:07", "08:00:52"), **DIALLING),
                    ),
                ]
            }
        ),
    ),
    calls={
        "g-1": {
            "status": "completed",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "answered_at": at("08:00:02"),
            "ended_at": at("08:00:52"),
            "duration_seconds": 50,
            "end_reason": "local-hung-up",
            "agent": "u-1",
            "metadata": {"agent_connected_at": "2026-08-22T08:00:10.000Z"},
        },
        "g-2": {
            "status": "no-answer",
            "direction": "outbound",
            "to_number": "+14155550123",
            "duration_seconds": 0,
        },
        "g-5": {"status": "completed", "to_number": "+14155550123", "duration_seconds": 45},
    },
)

# ------------------------------------------------------------------------------------- OpenAI Realtime SIP


def incoming(number: int, *headers: tuple[str, str]) -> bytes:
    listed = [{"name": name, "value": value} for name, value in headers]
    data = {"call_id": f"rtc_{number}", "sip_headers": listed}
    event = {"object": "event", "id": f"evt_{number}", "type": "realtime.call.incoming"}
    return dumped({**event, "created_at": START_S, "data": data})


OPENAI_SECRET: Final = "whsec_" + b64encode(b"a key of our own, 32 characters.").decode()
OPENAI_BODIES: Final = (
    incoming(
        1,
        ("From", '"Ada" <sip:+14155550123@carrier.example>;tag=1'),
        ("To", "<sip:+14155550100@carrier.example>"),
        ("Call-ID", "c1@carrier.example"),
        ("X-Twilio-CallSid", "CA0001"),
    ),
    incoming(2, ("From", "<sip:anonymous@anonymous.invalid>"), ("To", "<sip:proj_1@sip.example>")),
    dumped({"object": "event", "id": "evt_3", "type": "response.completed", "data": {"id": "resp_1"}}),
)
OPENAI_SIGNED_AT: Final = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
OPENAI_REALTIME_SIP = PackSamples(
    bodies=OPENAI_BODIES,
    calls={
        "rtc_1": {
            "status": "ringing",
            "direction": "inbound",
            "from_number": "+14155550123",
            "to_number": "+14155550100",
            "created_at": at("08:00:00"),
            "metadata": {"sip_call_id": "c1@carrier.example"},
        },
        "rtc_2": {"status": "ringing", "to_number": "<sip:proj_1@sip.example>"},
    },
    secret=OPENAI_SECRET,
    headers={
        "webhook-id": "wh_1",
        "webhook-timestamp": str(NOW_US // 1_000_000),
        "webhook-signature": Webhook(OPENAI_SECRET).sign("wh_1", OPENAI_SIGNED_AT, OPENAI_BODIES[0].decode()),
    },
    links=frozenset(("CA0001",)),
)

SAMPLES: Final[Mapping[str, PackSamples]] = {
    "3cx": PackSamples((pack_tables.THREE_CX,), pack_tables.THREE_CX_CALLS),
    "aircall": AIRCALL,
    "amazon-connect": AMAZON_CONNECT,
    "bandwidth": BANDWIDTH,
    "cdr-stats": PackSamples((pack_tables.CDR_STATS,), pack_tables.CDR_STATS_CALLS),
    "fusionpbx": PackSamples((pack_tables.FUSIONPBX,), pack_tables.FUSIONPBX_CALLS),
    "genesys-cloud": GENESYS_CLOUD,
    "openai-realtime-sip": OPENAI_REALTIME_SIP,
    "ringcentral": RINGCENTRAL,
}
