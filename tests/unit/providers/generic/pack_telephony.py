"""Samples of the packs of telephone systems and carriers: Aircall, RingCentral, Bandwidth."""

from base64 import b64encode
from typing import Any

from tests.unit.providers.generic.pack_shape import START_S, PackSamples, at, dumped


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
