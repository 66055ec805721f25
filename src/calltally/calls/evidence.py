"""Evidence of a call: the merged statements of all its facts, gathered in one pass. Pure, as the fold is."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from calltally.calls.end_reasons import (
    NOT_ENDED,
    EndCodes,
    Ending,
    end_word_of,
    resolve_ending,
    resolve_ending_by_codes,
)
from calltally.calls.events import Channel, Fact, FactSource, StatedFields
from calltally.calls.failure_causes import FailureCause
from calltally.calls.lifecycle import resolve_status
from calltally.calls.model import FINAL, OPEN, Status
from calltally.calls.platform_times import TIMES, PlatformTimes, implied_end_us, implied_talk_start_us
from calltally.calls.times import SECOND_US

# A lookup on the enum class costs as much as the work done with the member.
_QUEUED, _INITIATED, _RINGING = Status.QUEUED, Status.INITIATED, Status.RINGING
_IN_PROGRESS, _COMPLETED = Status.IN_PROGRESS, Status.COMPLETED
_STATE_FIELDS: Final = frozenset({"status", "ringing_us", "answered_us", "ended_us", "talk_seconds"})
# Two facts contradict each other if they differ in these or in the final state.
_Party: TypeAlias = Literal["direction", "from_number", "to_number"]
PARTIES: Final[tuple[_Party, ...]] = ("direction", "from_number", "to_number")
_FIRST_LEG_FIELDS: Final[
    tuple[Literal["direction", "from_number", "to_number", "metadata", "started_us"], ...]
] = (*PARTIES, "metadata", "started_us")
# The order of facts ranks sources by their knowledge of states and times. These fields need another ranking:
# per field, the rank of each FactSource. A platform's price includes the carrier's.
_PRECEDENCE: Final[
    tuple[tuple[Literal["summary", "metadata", "cost", "recording_url"], tuple[int, ...]], ...]
] = (
    ("summary", (0, 3, 2, 1)),
    ("metadata", (0, 3, 2, 1)),
    ("cost", (0, 1, 3, 2)),
    ("recording_url", (0, 1, 3, 2)),
)
# Platforms whose reports have no transfers.
_NO_TRANSFERS: Final = frozenset({"livekit"})
# Most facts state none of these.
_RANKED_FIELDS: Final = frozenset({*(name for name, _ in _PRECEDENCE), "end_reason", "end_word"})


# Clocks of two machines differ by less.
_CLOCKS_US: Final = 60 * SECOND_US


def is_another_call(stated: StatedFields, merged: StatedFields) -> bool:
    """Decide whether a statement of start and end describes a call of another time: its id was used twice."""
    if not (
        "started_us" in stated and "ended_us" in stated and "started_us" in merged and "ended_us" in merged
    ):
        return False
    return (
        stated["ended_us"] < merged["started_us"] - _CLOCKS_US
        or stated["started_us"] > merged["ended_us"] + _CLOCKS_US
    )


class CallTimes(NamedTuple):
    """Times of ringing, answer and end, microseconds UTC; None where no fact gives one."""

    ringing_us: int | None
    answered_us: int | None
    ended_us: int | None


class CallEvidence:
    """Merged statements of a call's facts: for each field, the value of the last fact in their order."""

    __slots__ = (
        *("created_us", "earliest_talk_us", "end_statements", "final_states", "first_leg_us", "first_us"),
        *(
            "has_carrier_end",
            "is_answered",
            "is_escalated",
            "knows_escalation",
            "knows_transfers",
            "last_us",
            "may_conflict",
            "merged",
            "open_state",
        ),
        *("platform", "preferred", "ranks", "tags"),
    )

    def __init__(self, ordered: Sequence[Fact]) -> None:
        self.merged: StatedFields = {}
        self.open_state: str = _QUEUED
        self.final_states: list[str] = []
        self.is_answered = self.is_escalated = False
        self.knows_escalation = self.knows_transfers = False
        # False for most calls. It avoids counting conflicts, which costs a third of the fold.
        self.may_conflict = False
        self.created_us = ordered[0].occurred_us
        self.first_us: dict[str, int] = {}
        self.last_us: dict[str, int] = {}
        self.first_leg_us: int | None = None
        self.earliest_talk_us = self.created_us
        self.tags: set[str] = set()
        self.end_statements: dict[FactSource, StatedFields] = {}
        self.preferred: StatedFields = {}
        self.ranks: dict[str, int] = {}
        self.platform: PlatformTimes | None = None
        # With a final state from a carrier, a platform's statements of the state no longer count.
        self.has_carrier_end = False
        for fact in ordered:
            if fact.is_carrier and fact.stated.get("status") in FINAL:
                self.has_carrier_end = True
                break
        for fact in ordered:
            self._take(fact)
        self.merged.update(self.preferred)
        if "started_us" not in self.merged:
            # A computed time is never before a stated start.
            self.created_us = min(self.created_us, self.earliest_talk_us)
        if self.platform is not None:
            self._adopt(self.platform)

    def _take(self, fact: Fact) -> None:
        stated, occurred_us = fact.stated, fact.occurred_us
        if "leg" in stated:
            stated = self._fields_of_call(stated)
        for name in PARTIES:
            if name in stated and self.merged.get(name, stated[name]) != stated[name]:
                self.may_conflict = True
        if "ended_us" in stated and fact.is_carrier and is_another_call(stated, self.merged):
            self.may_conflict = True
        self._date(stated, occurred_us)
        if fact.is_carrier or fact.channel == Channel.OWN_EVENT:
            self.merged.update(stated)
            self._take_state(stated, occurred_us)
        else:
            self._take_platform(stated, occurred_us)
        self._prefer(fact, stated)
        self._note_sources(fact, stated)
        if stated.get("escalated") or "escalation" in stated:
            self.is_escalated = True
        if "tags" in stated:
            self.tags.update(stated["tags"])
        self.may_conflict = self.may_conflict or fact.event_id != ""

    def _note_sources(self, fact: Fact, stated: StatedFields) -> None:
        """Note whether a source that reports transfers or escalations describes the end of the call.

        Own events can state both. A platform reports transfers in its final report. A carrier reports the
        transfers that it made, but not those of the tenant's own software, so it proves nothing.
        """
        if fact.channel == Channel.OWN_EVENT:
            self.knows_escalation = self.knows_transfers = True
        elif not fact.is_carrier and stated.get("status") in FINAL and fact.provider not in _NO_TRANSFERS:
            self.knows_transfers = True
        if "escalated" in stated or "escalation" in stated:
            self.knows_escalation = True

    def _fields_of_call(self, stated: StatedFields) -> StatedFields:
        """Return the fields of one leg that hold for the whole call.

        The call was answered with its first answered leg and ended with its last leg. The leg that started
        first has the parties: a later leg has the agent to whom the call was passed on.
        """
        fields, merged, started_us = stated.copy(), self.merged, stated.get("started_us", 0)
        self.is_answered = self.is_answered or "answered_us" in stated
        if (
            "answered_us" in stated
            and merged.get("answered_us", stated["answered_us"]) < stated["answered_us"]
        ):
            del fields["answered_us"]
        if "ended_us" in stated:
            fields["ended_us"] = max(stated["ended_us"], merged.get("ended_us", stated["ended_us"]))
        if self.first_leg_us is not None and self.first_leg_us <= started_us:
            for name in _FIRST_LEG_FIELDS:
                fields.pop(name, None)
        else:
            self.first_leg_us = started_us
        return fields

    def _date(self, stated: StatedFields, occurred_us: int) -> None:
        """Move the creation time earlier: every dated statement proves that the call existed by then."""
        first_us = min(self.created_us, occurred_us)
        for name in TIMES:
            if name in stated and stated[name] < first_us:
                first_us = stated[name]
        self.created_us = first_us
        if "talk_seconds" in stated:
            # A talk with a stated end proves that the call existed at the start of the talk.
            ended_us = stated.get("ended_us", occurred_us if stated.get("status") in FINAL else None)
            start_us = implied_talk_start_us(stated, ended_us)
            if start_us is not None:
                self.earliest_talk_us = min(self.earliest_talk_us, start_us)

    def _take_state(self, stated: StatedFields, occurred_us: int) -> None:
        if (status := stated.get("status")) is not None:
            self.first_us[status] = min(occurred_us, self.first_us.get(status, occurred_us))
            self._take_status(status)
            if status in FINAL:
                # Insert behind all others, so that the last entry is from the last fact.
                self.last_us.pop(status, None)
                self.last_us[status] = implied_end_us(stated, occurred_us)
        if "answered_us" in stated or stated.get("talk_seconds", 0) > 0:
            self.is_answered = True

    def _take_status(self, status: str) -> None:
        if status in FINAL:
            self.may_conflict = self.can_conflict(status)
            self.final_states.append(status)
        else:
            self.open_state = status
            self.is_answered = self.is_answered or status == _IN_PROGRESS

    def _take_platform(self, stated: StatedFields, occurred_us: int) -> None:
        """Collect a platform's times apart until the times of all other sources are known."""
        if self.platform is None:
            self.platform = PlatformTimes()
        self.platform.take(stated, occurred_us)
        self.merged.update(
            cast("StatedFields", {name: stated[name] for name in stated.keys() - _STATE_FIELDS})  # type: ignore[literal-required] # of its own keys
        )
        status = stated.get("status")
        if self.has_carrier_end:
            self.may_conflict = self.may_conflict or status in FINAL
        elif status is not None:
            self._take_status(status)

    def _adopt(self, platform: PlatformTimes) -> None:
        """Take from the platform the times that no other source states."""
        merged, first_us = self.merged, self.first_us
        platform.fill_in(
            merged,
            has_ringing="ringing_us" in merged or _RINGING in first_us,
            has_answer="answered_us" in merged or _IN_PROGRESS in first_us,
            has_end="ended_us" in merged or bool(self.last_us),
        )
        if platform.is_answered and (not self.has_carrier_end or self.status() == _COMPLETED):
            self.is_answered = True

    def _prefer(self, fact: Fact, stated: StatedFields) -> None:
        """Keep the values of fields that rank by source, not by the order of facts."""
        if _RANKED_FIELDS.isdisjoint(stated):
            return
        for name, ranks in _PRECEDENCE:
            if name in stated and ranks[fact.source] >= self.ranks.get(name, 0):
                self.ranks[name] = ranks[fact.source]
                self.preferred[name] = stated[name]
        if "end_reason" in stated or "end_word" in stated:
            self.end_statements[fact.source] = stated

    def status(self) -> str:
        return resolve_status(self.open_state, self.final_states, is_answered=self.is_answered)

    def can_conflict(self, status: str) -> bool:
        """Decide whether the facts may contradict each other or the resulting state."""
        return self.may_conflict or (bool(self.final_states) and self.final_states[0] != status)

    def times(self, status: str) -> CallTimes:
        """Return the stated times, or else the times of the facts that state the states."""
        merged = self.merged
        ringing_us = merged.get("ringing_us", self.first_us.get(_RINGING))
        # The last fact with the call's final state, or else with any final state.
        last_us = self.last_us.get(status, next(reversed(self.last_us.values()), None))
        ended_us = merged.get("ended_us", last_us) if status in FINAL else None
        if not self.is_answered:
            return CallTimes(ringing_us, None, ended_us)
        answered_us = merged.get("answered_us", self.first_us.get(_IN_PROGRESS))
        talk_seconds = merged.get("talk_seconds", 0)
        if answered_us is None and ended_us is not None and talk_seconds > 0:
            talk_start_us = ended_us - int(talk_seconds * SECOND_US)
            answered_us = max(talk_start_us, merged.get("started_us", talk_start_us))
        return CallTimes(ringing_us, answered_us, ended_us)

    def pdd_ms(self, ringing_us: int | None) -> int | None:
        """Return the delay from start to ringing. A call with facts of ringing alone has no known start."""
        first_us = self.first_us
        state_us = first_us.get(_INITIATED, first_us.get(_QUEUED))
        started_us = self.merged.get("started_us", state_us)
        if state_us is not None and self.platform and started_us == self.platform.times.get("started_us"):
            # A platform states when it creates a call, which waits before the carrier dials it.
            started_us = state_us
        if ringing_us is None or started_us is None:
            return None
        return max(0, ringing_us - started_us) // 1000

    def ending(self, status: str, times: CallTimes) -> Ending:
        if status in OPEN:
            # Three of a call's four facts come while it is open; collecting their codes would gain nothing.
            return NOT_ENDED
        merged, statements = self.merged, self.end_statements
        cause = (
            *(merged.get("sip_code"), merged.get("hangup_cause"), merged.get("error_code")),
            *(merged.get("provider"), times.ringing_us is not None),
        )
        # Only an answered call is hung up; the end of any other has its own reason.
        line_end = merged.get("hung_up_by") if status == _COMPLETED else None
        if not statements:
            return resolve_ending_by_codes(status, merged.get("direction"), cause, line_end)
        others = statements.get(FactSource.CARRIER, statements.get(FactSource.OWN))
        codes = EndCodes(status, FailureCause(*cause), merged.get("direction"), line_end)
        return resolve_ending(codes, end_word_of(statements.get(FactSource.PLATFORM)), end_word_of(others))
