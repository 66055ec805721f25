"""Tables that map LiveKit's words to Calltally's.

Sources: LiveKit, "SIP participant" and "Webhooks"; its protocol buffers.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.end_reasons import EndAttribution, EndReason
from calltally.calls.failure_causes import FaultSide
from calltally.calls.model import Status
from calltally.providers.platform_reports import EndReasonPattern, end_pattern

NAME: Final = "livekit"

JOIN_EVENTS: Final = frozenset({"participant_joined"})
LEAVE_EVENTS: Final = frozenset({"participant_left", "participant_connection_aborted"})
IGNORED_EVENTS: Final = frozenset(
    {
        *("room_started", "room_finished", "track_published", "track_unpublished"),
        *("egress_started", "egress_updated", "egress_ended", "ingress_started", "ingress_ended"),
    }
)
# Events that are not read: jobs of agents in a room, and future events of rooms.
UNREAD_KINDS: Final = ("agent_job_*", "room_*", "track_*", "egress_*", "ingress_*")
# A participant's kind, by name or by number in the protocol.
SIP_KINDS: Final = frozenset({"SIP", 3})
CALL_STATUSES: Final[Mapping[str, Status]] = {
    "dialing": Status.INITIATED,
    "ringing": Status.RINGING,
    "active": Status.IN_PROGRESS,
    "automation": Status.IN_PROGRESS,
    # Sent at the join, this does not describe the end.
    "hangup": Status.IN_PROGRESS,
}
# In the order of their numbers: JSON of protocol buffers uses names or numbers.
DISCONNECT_REASONS: Final = (
    *("UNKNOWN_REASON", "CLIENT_INITIATED", "DUPLICATE_IDENTITY", "SERVER_SHUTDOWN", "PARTICIPANT_REMOVED"),
    *("ROOM_DELETED", "STATE_MISMATCH", "JOIN_FAILURE", "MIGRATION", "SIGNAL_CLOSE", "ROOM_CLOSED"),
    *("USER_UNAVAILABLE", "USER_REJECTED", "SIP_TRUNK_FAILURE", "CONNECTION_TIMEOUT", "MEDIA_FAILURE"),
    "AGENT_ERROR",
)
# States of a call that was answered.
ACTIVE_STATES: Final = frozenset({"active", "automation"})
# LiveKit writes this pair only for a call that a participant ended, not for one that nobody answered.
ENDED_BY_PARTICIPANT: Final = ("hangup", "CLIENT_INITIATED")
# Final states that do not depend on the state of the call.
FINAL_STATUSES: Final[Mapping[str, Status]] = {
    "USER_UNAVAILABLE": Status.NO_ANSWER,
    "USER_REJECTED": Status.BUSY,
    "SIP_TRUNK_FAILURE": Status.FAILED,
    "JOIN_FAILURE": Status.FAILED,
}
# Final states of calls that were never active; any other reason is `failed`.
NEVER_ACTIVE: Final[Mapping[str, Status]] = {
    **dict.fromkeys(
        ("CLIENT_INITIATED", "PARTICIPANT_REMOVED", "ROOM_DELETED", "ROOM_CLOSED", "DUPLICATE_IDENTITY"),
        Status.CANCELED,
    ),
    "CONNECTION_TIMEOUT": Status.NO_ANSWER,
}
END_REASON_PATTERNS: Final[tuple[EndReasonPattern, ...]] = (
    end_pattern(EndAttribution(EndReason.REMOTE_HUNG_UP), "CLIENT_INITIATED$"),
    end_pattern(EndAttribution(EndReason.LOCAL_HUNG_UP), "(PARTICIPANT_REMOVED|ROOM_DELETED|ROOM_CLOSED)$"),
    end_pattern(EndAttribution(EndReason.NO_ANSWER), "USER_UNAVAILABLE$"),
    end_pattern(EndAttribution(EndReason.REJECTED, FaultSide.CALLED), "USER_REJECTED$"),
    end_pattern(EndAttribution(EndReason.NETWORK, FaultSide.NETWORK), "SIP_TRUNK_FAILURE$"),
    end_pattern(EndAttribution(EndReason.TIMEOUT), "CONNECTION_TIMEOUT$"),
    end_pattern(
        EndAttribution(EndReason.NETWORK, FaultSide.NETWORK),
        "(SIGNAL_CLOSE|MEDIA_FAILURE|MIGRATION|STATE_MISMATCH)$",
    ),
    end_pattern(
        EndAttribution(EndReason.PROVIDER_ERROR, FaultSide.PROVIDER), "(SERVER_SHUTDOWN|JOIN_FAILURE)$"
    ),
    end_pattern(EndAttribution(EndReason.AGENT_ERROR, FaultSide.TENANT), "AGENT_ERROR$"),
)
