"""Rows of points 7 to 11: unreadable values, FusionPBX, ElevenLabs, codes, and values of the vendors' own."""

from typing import Any, Final

from tests.acceptance.vendor_rows import START, VendorRow, json_file, rows
from tests.unit.providers.bland import samples as bland
from tests.unit.providers.elevenlabs import samples as elevenlabs
from tests.unit.providers.elevenlabs.test_elevenlabs_records import UNACCEPTED, WHATSAPP, conversation
from tests.unit.providers.jambonz import samples as jambonz
from tests.unit.providers.livekit import samples as livekit
from tests.unit.providers.plivo import samples as plivo
from tests.unit.providers.retell import samples as retell
from tests.unit.providers.telnyx import samples as telnyx
from tests.unit.providers.twilio import samples as twilio
from tests.unit.providers.vapi import samples as vapi
from tests.unit.providers.vonage import samples as vonage

NO_ZONE: Final = "2026-08-22T08:00:10"
VALUE_ROWS: Final = [
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "telnyx",
        telnyx.TEXML,
        [
            (
                [telnyx.texml("in-progress"), telnyx.texml("completed", AnsweredBy=word, CallDuration="9")],
                {"status": "completed", "duration_seconds": 9, "answered_by": answered_by, "unread": []},
            )
            for word, answered_by in (
                ("machine_start", "machine"),
                ("machine_end_beep", "machine"),
                ("machine_end_silence", "machine"),
                ("machine_end_other", "machine"),
                ("unknown", "unknown"),
            )
        ],
    ),
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "twilio",
        twilio.TALK,
        [
            (
                [
                    twilio.status(twilio.TALK, "ringing", 2, 1),
                    twilio.status(twilio.TALK, "completed", 50, 3, CallDuration="40", **more),
                ],
                {"status": "completed", "duration_seconds": 40, "unread": unread},
            )
            for more, unread in (
                ({"SipResponseCode": "0"}, []),
                ({"SipResponseCode": "twenty"}, ["SipResponseCode"]),
                ({"RecordingUrl": "/2010-04-01/Recordings/RE1"}, ["RecordingUrl"]),
                ({"Direction": "up"}, ["Direction"]),
            )
        ],
    ),
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "bland",
        bland.TALK,
        [
            (
                [bland.sent(bland.call(bland.TALK, started_at=NO_ZONE, end_at="2026-08-22T08:00:52"))],
                {"status": "completed", "duration_seconds": 42, "answered_at": "2026-08-22T08:00:10.000000Z"},
            ),
            (
                [bland.sent(bland.call(bland.TALK, recording_url="/1.mp3"))],
                {"status": "completed", "unread": ["recording_url"]},
            ),
        ],
    ),
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "plivo",
        plivo.TALK,
        [
            (
                [plivo.posted("completed", "Hangup", **{**plivo.ENDED, "TotalCost": "free"})],
                {"status": "completed", "duration_seconds": 37, "unread": ["TotalCost"]},
            )
        ],
    ),
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "vonage",
        vonage.TALK,
        [
            (
                [vonage.posted("completed", 42.7, **{**vonage.ENDED, "price": "free"})],
                {"status": "completed", "duration_seconds": 37, "unread": ["price"]},
            )
        ],
    ),
    *rows(
        "7 an unreadable secondary value does not lose the end",
        "jambonz",
        jambonz.BUSY,
        [([jambonz.status("busy", 999, jambonz.BUSY)], {"status": "busy", "unread": ["sip_status"]})],
    ),
]

FUSIONPBX: Final = (
    b"xml_cdr_uuid,direction,caller_id_number,caller_destination,destination_number,start_stamp,start_epoch,"
    b"answer_epoch,end_epoch,billsec,hangup_cause\n"
)
FUSIONPBX_ROWS: Final = rows(
    "8 FusionPBX's export is read by its own id",
    "freeswitch",
    "p-1",
    [
        (
            [
                FUSIONPBX + b"p-1,inbound,+14155550123,+14155550100,101,2026-08-22 10:00:00,1787385600,"
                b"1787385610,1787385652,42,NORMAL_CLEARING\n"
            ],
            {
                "status": "completed",
                "created_at": START,
                "duration_seconds": 42,
                "from_number": "+14155550123",
                "to_number": "+14155550100",
            },
        )
    ],
)


def talk(**changes: Any) -> list[Any]:  # noqa: ANN401 (JSON)
    return [elevenlabs.event("post_call_transcription", 1_787_385_660, conversation(**changes))]


def chat(**metadata: object) -> list[Any]:
    data = {**elevenlabs.CONVERSATION, "metadata": {**elevenlabs.CONVERSATION["metadata"], **metadata}}
    turns = [{"role": "user", "message": "Hello", "source_medium": "text", "time_in_call_secs": 1}]
    return [elevenlabs.event("post_call_transcription", 1_787_385_660, {**data, "transcript": turns})]


UNANSWERED: Final = {"transcript": [], "metadata": UNACCEPTED}
ELEVENLABS_ROWS: Final = [
    *rows(
        "9 the carrier's result decides",
        "elevenlabs",
        elevenlabs.TALK,
        [
            (
                talk(**UNANSWERED, phone_call={"call_result": result, "direction": "outbound"}),
                {"status": status, "duration_seconds": 0, "to_number": "+14155550123"},
            )
            for result, status in (("busy", "busy"), ("no_answer", "no-answer"), ("failed", "failed"))
        ],
    ),
    *rows(
        "9 a call that fails after a talk keeps it",
        "elevenlabs",
        elevenlabs.TALK,
        [(talk(status="failed"), {"status": "completed", "duration_seconds": 42})],
    ),
    *rows(
        "9 a failed call has its numbers",
        "elevenlabs",
        elevenlabs.BUSY,
        [
            (
                [elevenlabs.event("call_initiation_failure", 1_787_385_700, elevenlabs.FAILED)],
                {
                    "status": "busy",
                    "from_number": "+14155550100",
                    "to_number": "+14155550123",
                    "sip_code": 486,
                },
            )
        ],
    ),
    *rows(
        "9 a text chat is no call",
        "elevenlabs",
        elevenlabs.TALK,
        [
            (chat(phone_call=None, text_only=True), {"calls": 0}),
            (chat(**WHATSAPP), {"calls": 0}),
            (chat(phone_call=None, conversation_initiation_source="widget"), {"calls": 0}),
        ],
    ),
    *rows(
        "9 an audio event is no call",
        "elevenlabs",
        "",
        [([elevenlabs.event("post_call_audio", 1_787_385_700, {"conversation_id": "c"})], {"calls": 0})],
    ),
]


def failed(sip: int) -> list[Any]:
    return [
        twilio.status(twilio.BUSY, "ringing", 1, 1),
        twilio.status(twilio.BUSY, "failed", 3, 2, SipResponseCode=str(sip)),
    ]


CODE_ROWS: Final = [
    *rows(
        "10 a response has the reason and the side of its RFC",
        "twilio",
        twilio.BUSY,
        [
            (failed(sip), {"status": "failed", "end_reason": reason, "side": side})
            for sip, reason, side in (
                (433, "rejected", "called"),
                (488, "rejected", "called"),
                (606, "rejected", "called"),
                (607, "rejected", "called"),
                (608, "rejected", "network"),
                (487, "local-hung-up", "caller"),
                (486, "busy", "called"),
                (404, "invalid-number", "caller"),
                (503, "provider-error", "provider"),
            )
        ],
    ),
    *rows(
        "10 a display name does not replace Plivo's cause",
        "plivo",
        plivo.BUSY,
        [
            (
                [
                    plivo.posted(
                        "failed",
                        "Hangup",
                        plivo.BUSY,
                        HangupCause="USER_BUSY",
                        HangupCauseName="Busy Line",
                        HangupCauseCode="3010",
                    )
                ],
                {"end_reason": "busy", "side": "called", "word": "USER_BUSY"},
            )
        ],
    ),
    *rows(
        "10 Vonage's detail gives the reason",
        "vonage",
        vonage.UNANSWERED,
        [
            (
                [
                    vonage.posted("started", 0, vonage.UNANSWERED),
                    vonage.posted(status, 20, vonage.UNANSWERED, detail=detail),
                    vonage.posted("completed", 20.4, vonage.UNANSWERED, duration="0"),
                ],
                {"end_reason": reason, "side": side, "duration_seconds": 0},
            )
            for status, detail, reason, side in (
                ("failed", "cannot_route", "network", "network"),
                ("rejected", "invalid_number", "invalid-number", "caller"),
                ("unanswered", "unavailable", "no-answer", "called"),
            )
        ],
    ),
    *rows(
        "10 a record that is over is never queued",
        "plivo",
        plivo.TALK,
        [
            (
                [json_file(plivo.record(answer_time=None, bill_duration=0, hangup_cause_code=code))],
                {"status": status, "duration_seconds": 0},
            )
            for code, status in ((None, "failed"), (3010, "busy"), (3000, "no-answer"))
        ],
    ),
    *rows(
        "10 a record that is over is never queued",
        "telnyx",
        telnyx.TALK,
        [
            ([json_file(telnyx.record(answered_at=None, call_sec=0, **more))], {"status": status})
            for more, status in (({}, "failed"), ({"hangup_cause": "user_busy"}, "busy"))
        ],
    ),
    *rows(
        "10 Bland's calls without a status, and without an answer",
        "bland",
        bland.TALK,
        [
            (
                [bland.sent(bland.call(bland.TALK, status=None))],
                {"status": "completed", "duration_seconds": 42},
            ),
            (
                [bland.sent(bland.call(bland.TALK, answered_by="no-answer", corrected_duration="0"))],
                {"status": "no-answer", "duration_seconds": 0},
            ),
        ],
    ),
]

SOCKET: Final = "wss://agent.example/media"
ANOTHER: Final = plivo.record(
    initiation_time="2026-08-22 15:30:00+05:30",
    answer_time="2026-08-22 15:30:05+05:30",
    end_time="2026-08-22 15:30:42+05:30",
)
KEPT_ROWS: Final = [
    *rows(
        "11 Retell's metadata and variables are kept",
        "retell",
        retell.TALK,
        [
            (
                [retell.event("call_ended", retell.call(retell.TALK, **retell.DONE))],
                {"metadata": {"order": 7, "dynamic_variables": {"name": "Ada", "party": "2"}}},
            )
        ],
    ),
    *rows(
        "11 Vapi's present recording is read",
        "vapi",
        vapi.TALK,
        [([vapi.REPORT], {"recording_url": "https://storage.vapi.example/3.wav", "session_id": vapi.TALK})],
    ),
    *rows(
        "11 session and conversation ids are kept",
        "telnyx",
        telnyx.TALK,
        [
            (
                [telnyx.event("call.answered", telnyx.TALK, 5)],
                {"metadata": {"call_session_id": "session-of-talk-0a1b2c"}},
            )
        ],
    ),
    *rows(
        "11 session and conversation ids are kept",
        "vonage",
        vonage.TALK,
        [([vonage.posted("started", 0)], {"metadata": {"conversation_uuid": f"CON-{vonage.TALK}"}})],
    ),
    *rows(
        "11 session and conversation ids are kept",
        "livekit",
        livekit.TALK,
        [
            (
                [livekit.event("participant_joined", 1_787_385_610, livekit.TALK, "+14155550123")],
                {"session_id": "RM_1", "metadata": {"order": 7}},
            )
        ],
    ),
    *rows(
        "11 a websocket is a leg and no second call",
        "vonage",
        vonage.TALK,
        [
            (
                [
                    vonage.posted("started", 0),
                    vonage.posted("started", 1, "ws-leg", to=SOCKET),
                    vonage.posted("completed", 42, "ws-leg", **vonage.ENDED, to=SOCKET),
                    vonage.posted("completed", 42.7, **vonage.ENDED),
                ],
                {"calls": 1, "status": "completed", "duration_seconds": 37},
            )
        ],
    ),
    *rows(
        "11 a call_uuid of two calls is a conflict",
        "plivo",
        plivo.TALK,
        [
            ([json_file(plivo.record()), json_file(ANOTHER)], {"conflicts": 1, "calls": 1}),
            ([json_file(plivo.record()), json_file(plivo.record(api_id="other"))], {"conflicts": 0}),
        ],
    ),
]
VALUES: Final[list[VendorRow]] = [
    *VALUE_ROWS,
    *FUSIONPBX_ROWS,
    *ELEVENLABS_ROWS,
    *CODE_ROWS,
    *KEPT_ROWS,
]
