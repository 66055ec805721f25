"""Samples of the packs of contact centres: Amazon Connect, Genesys Cloud."""

from typing import Any

from tests.unit.providers.generic.pack_shape import PackSamples, at, dumped


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
