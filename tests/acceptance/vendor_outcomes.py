"""Rows of points 1 to 6: times, final states, directions, who hung up, machines and transfers."""

from typing import Any, Final

from tests.acceptance.vendor_rows import START, VendorRow, json_file, rows, transfer
from tests.unit.providers.asterisk import samples as asterisk
from tests.unit.providers.asterisk.test_channel_events import ATTENDED
from tests.unit.providers.asterisk.test_channel_events import event as cel_event
from tests.unit.providers.bland import samples as bland
from tests.unit.providers.elevenlabs import samples as elevenlabs
from tests.unit.providers.elevenlabs.test_elevenlabs_records import UNACCEPTED, conversation
from tests.unit.providers.freeswitch import samples as freeswitch
from tests.unit.providers.jambonz import samples as jambonz
from tests.unit.providers.livekit import samples as livekit
from tests.unit.providers.livekit.test_livekit_records import JOINED_S, LEFT_S, SID, outbound
from tests.unit.providers.plivo import samples as plivo
from tests.unit.providers.retell import samples as retell
from tests.unit.providers.telnyx import samples as telnyx
from tests.unit.providers.test_unread_kinds import COUNTED
from tests.unit.providers.twilio import samples as twilio
from tests.unit.providers.vapi import samples as vapi
from tests.unit.providers.vonage import samples as vonage

# The commonest table: a start and a talk, and no end.
TABLE: Final = b"callid,starting_date,duration,billsec,hangup_cause_id,switch\n"
CDR_ROWS: Final = rows(
    "1 a row without an end ends with its talk",
    "cdr-stats",
    "c-1",
    [
        (
            [TABLE + b"c-1,2026-08-01 00:00:10,,60,16,main\n"],
            {
                "created_at": "2026-08-01T00:00:10.000000Z",
                "answered_at": "2026-08-01T00:00:10.000000Z",
                "ended_at": "2026-08-01T00:01:10.000000Z",
                "duration_seconds": 60,
            },
        ),
        (
            [TABLE + b"c-1,2026-08-01 00:00:10,75,60,16,main\n"],
            {
                "created_at": "2026-08-01T00:00:10.000000Z",
                "answered_at": "2026-08-01T00:00:25.000000Z",
                "ended_at": "2026-08-01T00:01:25.000000Z",
            },
        ),
    ],
)
BLAND_ROWS: Final = rows(
    "1 bland without end_at",
    "bland",
    bland.TALK,
    [
        (
            [bland.sent(bland.call(bland.TALK, end_at=None))],
            {"created_at": START, "ended_at": "2026-08-22T08:00:52.000000Z", "duration_seconds": 42},
        )
    ],
)


def vapi_story(word: str, **fields: Any) -> list[Any]:  # noqa: ANN401 (JSON)
    """Return the messages of a call with a start, an end and an end word."""
    of = vapi.call(vapi.TALK, createdAt=vapi.CREATED)
    times = {"startedAt": "2026-08-22T08:00:10.000Z", "endedAt": "2026-08-22T08:00:52.700Z"}
    return [
        vapi.message("status-update", 1_787_385_605_000, of, status="queued"),
        vapi.message("end-of-call-report", 1_787_385_660_000, of, endedReason=word, **times, **fields),
    ]


NEVER: Final = {"duration_seconds": 0, "answered_at": None}
VAPI_ROWS: Final = [
    *rows(
        "2 a failed hand-over is not bridged",
        "vapi",
        vapi.TALK,
        [
            (
                vapi_story(word, artifact={"transfers": vapi.TRANSFERS}),
                transfer("failed", "sip:desk@example.com"),
            )
            for word in (
                "call.forwarding.operator-busy",
                "call.forwarding.no-answer",
                "call.in-progress.error-warm-transfer-max-duration",
                "assistant-forwarded-call",
            )
        ],
    ),
    *rows(
        "2 a call that never connected is not completed",
        "vapi",
        vapi.TALK,
        [
            (vapi_story(word), {"status": status, **NEVER})
            for word, status in (
                ("call.start.error-get-assistant", "failed"),
                ("call.ringing.hook-executed-say", "no-answer"),
                ("call.ringing.sip-inbound-caller-hungup-before-call-connect", "canceled"),
                ("twilio-failed-to-connect-call", "failed"),
                ("call.in-progress.error-vapifault-transport-never-connected", "failed"),
                ("call.in-progress.error-providerfault-outbound-sip-503-service-unavailable", "failed"),
                (
                    "call.in-progress.error-providerfault-outbound-sip-480-temporarily-unavailable",
                    "no-answer",
                ),
                ("scheduled-call-deleted", "canceled"),
                ("manually-canceled", "canceled"),
            )
        ],
    ),
    *rows(
        "2 an outage of a supplier is not the tenant's fault",
        "vapi",
        vapi.TALK,
        [
            (vapi_story("call.start.error-vapifault-database-error"), {"side": "provider"}),
            (
                vapi_story("call.in-progress.error-providerfault-outbound-sip-503-service-unavailable"),
                {"side": "network"},
            ),
        ],
    ),
]
KIND_ROWS: Final = [
    VendorRow("2 a message of an unknown kind is kept", provider, "", [sent], {"kind": kind, "calls": 0})
    for provider, sent, kind in COUNTED
]

UNREACHED: Final = retell.call(
    retell.BUSY,
    call_status="not_connected",
    disconnection_reason="dial_no_answer",
    start_timestamp=1_787_385_600_000,
    end_timestamp=1_787_385_630_000,
)
CREATION_ROWS: Final = [
    *rows(
        "3 created_at of an unanswered call is its start",
        "vapi",
        vapi.TALK,
        [(vapi_story(word), {"created_at": START}) for word in ("customer-busy", "call.start.error-get-org")],
    ),
    *rows(
        "3 created_at of an unanswered call is its start",
        "retell",
        retell.BUSY,
        [
            (
                [retell.event("call_ended", UNREACHED), retell.event("call_analyzed", UNREACHED)],
                {"status": "no-answer", "created_at": START, "ended_at": "2026-08-22T08:00:30.000000Z"},
            )
        ],
    ),
    *rows(
        "3 created_at of an unanswered call is its start",
        "elevenlabs",
        elevenlabs.TALK,
        [
            (
                [
                    elevenlabs.event(
                        "post_call_transcription",
                        1_787_385_660,
                        conversation(
                            status="failed",
                            transcript=[],
                            metadata=UNACCEPTED,
                            phone_call={"call_result": None},
                        ),
                    )
                ],
                {"status": "failed", "created_at": START},
            )
        ],
    ),
]


def left(state: str | None, reason: str) -> list[Any]:
    return [
        outbound("participant_joined", JOINED_S, "dialing"),
        outbound("participant_left", LEFT_S, state, disconnectReason=reason),
    ]


PARTIES: Final = {"direction": "outbound", "from_number": "+14155550100", "to_number": "+14155550123"}
LIVEKIT_ROWS: Final = [
    *rows(
        "4 an outbound call has its direction, numbers and talk",
        "livekit",
        SID,
        [
            (
                [
                    *left("dialing", "CLIENT_INITIATED")[:1],
                    outbound("participant_joined", JOINED_S + 10, "active"),
                    outbound("participant_left", LEFT_S, "hangup", disconnectReason="CLIENT_INITIATED"),
                ],
                {**PARTIES, "status": "completed", "duration_seconds": 42},
            )
        ],
    ),
    *rows(
        "4 only an active call is completed",
        "livekit",
        SID,
        [
            (left("ringing", "USER_UNAVAILABLE"), {"status": "no-answer", **PARTIES, **NEVER}),
            (left("dialing", "USER_REJECTED"), {"status": "busy", **NEVER}),
            (left("ringing", "ROOM_DELETED"), {"status": "canceled", **NEVER}),
            (left(None, "SIP_TRUNK_FAILURE"), {"status": "failed", **NEVER}),
            (left("active", "ROOM_DELETED"), {"status": "completed"}),
        ],
    ),
    *rows(
        "4 a call with a rule is inbound",
        "livekit",
        livekit.TALK,
        [
            (
                [livekit.event("participant_joined", JOINED_S, livekit.TALK, "+14155550123")],
                {"direction": "inbound", "from_number": "+14155550123", "to_number": "+14155550100"},
            )
        ],
    ),
]


def reason_rows(provider: str, sid: str, cases: list[tuple[list[Any], str]]) -> list[VendorRow]:
    point = "5 the end of the line and the direction give who hung up"
    return rows(point, provider, sid, [(messages, {"end_reason": reason}) for messages, reason in cases])


def telnyx_story(direction: str, source: str) -> list[Any]:
    return [
        telnyx.event("call.initiated", telnyx.TALK, 0, direction=direction),
        telnyx.event("call.answered", telnyx.TALK, 5),
        telnyx.hangup(telnyx.TALK, 42, "normal_clearing", "200", source),
    ]


def switch_record(disposition: str, direction: str) -> list[Any]:
    values = {**freeswitch.ANSWERED, "sip_hangup_disposition": disposition, "direction": direction}
    return [freeswitch.body(freeswitch.record(**freeswitch.variables(freeswitch.A_LEG, **values)))]


REMOTE, LOCAL = "remote-hung-up", "local-hung-up"
HANG_UP_ROWS: Final = [
    *reason_rows(
        "telnyx",
        telnyx.TALK,
        [
            (telnyx_story("incoming", "caller"), REMOTE),
            (telnyx_story("outgoing", "caller"), LOCAL),
            (telnyx_story("outgoing", "callee"), REMOTE),
        ],
    ),
    *reason_rows(
        "jambonz",
        jambonz.TALK,
        [
            ([jambonz.status("completed", 200, duration=42, call_termination_by="caller")], REMOTE),
            ([jambonz.status("completed", 200, duration=42, call_termination_by="jambonz")], LOCAL),
            ([json_file(jambonz.record(direction="outbound"))], LOCAL),
        ],
    ),
    *reason_rows(
        "freeswitch",
        freeswitch.A_LEG,
        [
            (switch_record("recv_bye", "inbound"), REMOTE),
            (switch_record("send_bye", "outbound"), LOCAL),
            (switch_record("recv_bye", "outbound"), REMOTE),
        ],
    ),
    *reason_rows(
        "plivo",
        plivo.TALK,
        [
            ([plivo.posted("completed", "Hangup", **plivo.ENDED)], LOCAL),
            ([plivo.posted("completed", "Hangup", **{**plivo.ENDED, "Direction": "inbound"})], REMOTE),
            ([json_file(plivo.record(hangup_source="Callee"))], REMOTE),
        ],
    ),
    *reason_rows(
        "vonage",
        vonage.TALK,
        [
            (
                [
                    vonage.posted("started", 0),
                    vonage.posted("completed", 42.7, **vonage.ENDED, disconnected_by="user"),
                ],
                REMOTE,
            ),
            ([vonage.posted("completed", 42.7, **vonage.ENDED, disconnected_by="platform")], LOCAL),
        ],
    ),
]

VOICEMAIL_ROW: Final = asterisk.ROWS[0].replace('"Dial"', '"VoiceMail"')
MACHINE: Final = {"status": "completed", "answered_by": "machine"}
MACHINE_ROWS: Final = [
    *rows(
        "6 a mailbox is a machine",
        "vapi",
        vapi.TALK,
        [(vapi_story("voicemail"), {**MACHINE, "end_reason": "voicemail"})],
    ),
    *rows(
        "6 a mailbox is a machine",
        "retell",
        retell.TALK,
        [
            (
                [
                    retell.event(
                        "call_started", retell.call(retell.TALK, call_status="ongoing", **retell.STARTED)
                    ),
                    retell.event(
                        "call_ended",
                        retell.call(
                            retell.TALK, **{**retell.DONE, "disconnection_reason": "voicemail_reached"}
                        ),
                    ),
                ],
                MACHINE,
            )
        ],
    ),
    *rows(
        "6 a mailbox is a machine",
        "elevenlabs",
        elevenlabs.TALK,
        [
            (
                [
                    elevenlabs.event(
                        "post_call_transcription",
                        1_787_385_660,
                        conversation(phone_call={"call_result": "voicemail"}),
                    )
                ],
                MACHINE,
            )
        ],
    ),
    *rows(
        "6 a mailbox is a machine",
        "bland",
        bland.TALK,
        [([bland.sent(bland.call(bland.TALK, answered_by="voicemail"))], {"answered_by": "voicemail"})],
    ),
    *rows(
        "6 a mailbox is a machine",
        "plivo",
        plivo.TALK,
        [
            (
                [
                    plivo.posted("in-progress", "MachineDetection", Machine="true"),
                    plivo.posted("completed", "Hangup", **plivo.ENDED),
                ],
                MACHINE,
            )
        ],
    ),
    *rows(
        "6 a mailbox is a machine",
        "telnyx",
        telnyx.TALK,
        [
            (
                [
                    *telnyx_story("outgoing", "caller"),
                    telnyx.event("call.machine.detection.ended", telnyx.TALK, 8, result="machine"),
                ],
                MACHINE,
            )
        ],
    ),
    *rows("6 a mailbox is a machine", "asterisk", asterisk.PLAIN, [([VOICEMAIL_ROW.encode()], MACHINE)]),
]


def twilio_status(word: str, second: int, **more: str) -> Any:  # noqa: ANN401 (a request)
    return twilio.status(twilio.TALK, word, second, second, **more)


DIALLED: Final = {"DialCallSid": twilio.LEG, "DialCallStatus": "completed", "DialCallDuration": "31"}
TRANSFER_ROWS: Final = [
    *rows(
        "6 a dialled, referred or bridged leg is a transfer",
        "twilio",
        twilio.TALK,
        [
            ([twilio_status("in-progress", 9, **more), twilio_status("completed", 50)], transfer(outcome))
            for more, outcome in (
                (DIALLED, "bridged"),
                ({**DIALLED, "DialBridged": "false"}, "failed"),
                ({**DIALLED, "DialCallStatus": "busy"}, "failed"),
                ({"ReferCallStatus": "completed"}, "bridged"),
            )
        ],
    ),
    *rows(
        "6 a dialled, referred or bridged leg is a transfer",
        "jambonz",
        jambonz.TALK,
        [
            (
                [jambonz.status("in-progress", 200, **more), jambonz.status("completed", 200, duration=42)],
                found,
            )
            for more, found in (
                ({"dial_call_sid": jambonz.LEG, "dial_call_status": "completed"}, transfer("bridged")),
                ({"refer_status": 202}, transfer("requested")),
            )
        ],
    ),
    *rows(
        "6 a dialled, referred or bridged leg is a transfer",
        "plivo",
        plivo.TALK,
        [
            (
                [
                    plivo.posted(
                        "in-progress", "DialAction", DialStatus="completed", DialBLegTo="14155550199"
                    ),
                    plivo.posted("completed", "Hangup", **plivo.ENDED),
                ],
                transfer("bridged", "+14155550199"),
            )
        ],
    ),
    *rows(
        "6 a dialled, referred or bridged leg is a transfer",
        "telnyx",
        telnyx.TALK,
        [
            (
                [*telnyx_story("incoming", "caller"), telnyx.event("call.bridged", telnyx.TALK, 20)],
                transfer("bridged"),
            )
        ],
    ),
    *rows(
        "6 a transferred leg of a switch is a transfer",
        "freeswitch",
        freeswitch.A_LEG,
        [
            (
                [
                    freeswitch.body(
                        freeswitch.record(
                            **freeswitch.variables(
                                freeswitch.A_LEG,
                                **freeswitch.ANSWERED,
                                endpoint_disposition="ATTENDED_TRANSFER",
                            )
                        )
                    )
                ],
                transfer("bridged"),
            )
        ],
    ),
    *rows(
        "6 a transferred leg of a switch is a transfer",
        "asterisk",
        asterisk.PLAIN,
        [
            (
                [asterisk.ROWS[0].encode(), cel_event("ATTENDEDTRANSFER", ATTENDED).encode()],
                transfer("bridged", "PJSIP/300-4"),
            ),
            ([asterisk.ROWS[0].encode()], {"transfer": None}),
        ],
    ),
]
OUTCOMES: Final[list[VendorRow]] = [
    *CDR_ROWS,
    *BLAND_ROWS,
    *VAPI_ROWS,
    *KIND_ROWS,
    *CREATION_ROWS,
    *LIVEKIT_ROWS,
    *HANG_UP_ROWS,
    *MACHINE_ROWS,
    *TRANSFER_ROWS,
]
