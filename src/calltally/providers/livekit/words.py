"""LiveKit's words as ours. Sources: LiveKit, "SIP participant" and "Webhooks"; its protocol buffers."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndReason, Why
from calltally.calls.failure_causes import Side
from calltally.calls.model import Status
from calltally.providers.conversations import Family, family

NAME: Final = "livekit"

JOINED: Final = frozenset({"participant_joined"})
LEFT: Final = frozenset({"participant_left", "participant_connection_aborted"})
PASSED_OVER: Final = frozenset(
    {
        *("room_started", "room_finished", "track_published", "track_unpublished"),
        *("egress_started", "egress_updated", "egress_ended", "ingress_started", "ingress_ended"),
    }
)
# Events that nobody reads here: of the jobs of agents in a room, and of whatever comes to rooms.
UNREAD: Final = ("agent_job_*", "room_*", "track_*", "egress_*", "ingress_*")
# A participant's kind, by its name or by its number in the protocol.
SIP: Final = frozenset({"SIP", 3})
CALL_STATUSES: Final[Mapping[str, Status]] = {
    "dialing": Status.INITIATED,
    "ringing": Status.RINGING,
    "active": Status.IN_PROGRESS,
    "automation": Status.IN_PROGRESS,
    # Told when it joined, this says nothing of how it ended.
    "hangup": Status.IN_PROGRESS,
}
# By number too: protocol buffers in JSON may be written either way.
REASONS: Final = (
    *("UNKNOWN_REASON", "CLIENT_INITIATED", "DUPLICATE_IDENTITY", "SERVER_SHUTDOWN", "PARTICIPANT_REMOVED"),
    *("ROOM_DELETED", "STATE_MISMATCH", "JOIN_FAILURE", "MIGRATION", "SIGNAL_CLOSE", "ROOM_CLOSED"),
    *("USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "CONNECTION_TIMEOUT", "MEDIA_FAILURE"),
    "AGENT_ERROR",
)
FINAL_STATUSES: Final[Mapping[str, Status]] = {
    "USER_UNAVAILABLE": Status.NO_ANSWER,
    "USER_REJECTED": Status.BUSY,
    "SIP_TRUNK_FAILURE": Status.FAILED,
    "JOIN_FAILURE": Status.FAILED,
}
FAMILIES: Final[tuple[Family, ...]] = (
    family(Why(EndReason.CALLER_HUNG_UP), "CLIENT_INITIATED$"),
    family(Why(EndReason.AGENT_HUNG_UP), "(PARTICIPANT_REMOVED|ROOM_DELETED|ROOM_CLOSED)$"),
    family(Why(EndReason.NO_ANSWER), "USER_UNAVAILABLE$"),
    family(Why(EndReason.REJECTED, Side.CALLED), "USER_REJECTED$"),
    family(Why(EndReason.NETWORK, Side.NETWORK), "SIP_TRUNK_FAILURE$"),
    family(Why(EndReason.TIMEOUT), "CONNECTION_TIMEOUT$"),
    family(Why(EndReason.NETWORK, Side.NETWORK), "(SIGNAL_CLOSE|MEDIA_FAILURE|MIGRATION|STATE_MISMATCH)$"),
    family(Why(EndReason.PROVIDER_ERROR, Side.PROVIDER), "(SERVER_SHUTDOWN|JOIN_FAILURE)$"),
    family(Why(EndReason.AGENT_ERROR, Side.TENANT), "AGENT_ERROR$"),
)
