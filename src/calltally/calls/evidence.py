"""What all facts of a call say together: one pass over them in their order. Pure, as the fold is."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, cast

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
from calltally.calls.implied_times import final_us, talk_begun_us
from calltally.calls.model import FINAL, OPEN, UNANSWERED, Status
from calltally.calls.platform_times import TIMES, PlatformTimes
from calltally.calls.times import SECOND_US

# Looked up on the class each of them costs as much as what is done with it.
_QUEUED, _INITIATED, _RINGING = Status.QUEUED, Status.INITIATED, Status.RINGING
_IN_PROGRESS, _COMPLETED = Status.IN_PROGRESS, Status.COMPLETED
_OF_STATE: Final = frozenset({"status", "ringing_us", "answered_us", "ended_us", "talk_seconds"})
# What makes two tellings contradict each other beside the final state: who called whom.
PARTIES: Final[tuple[Literal["direction", "from_number", "to_number"], ...]] = (
    "direction",
    "from_number",
    "to_number",
)
_OF_FIRST_LEG: Final[
    tuple[Literal["direction", "from_number", "to_number", "metadata", "started_us"], ...]
] = (*PARTIES, "metadata", "started_us")
# What is not settled by the order of facts alone, because the order is by who knows of states and times:
# by field, whose word of it stands before whose. The platform's price has the carrier's in it.
_PRECEDENCE: Final[
    tuple[tuple[Literal["summary", "metadata", "cost", "recording_url"], tuple[int, ...]], ...]
] = (
    ("summary", (0, 3, 2, 1)),
    ("metadata", (0, 3, 2, 1)),
    ("cost", (0, 1, 3, 2)),
    ("recording_url", (0, 1, 3, 2)),
)
# Most facts say nothing of these.
_PREFERRED: Final = frozenset({*(name for name, _ in _PRECEDENCE), "end_reason", "end_word"})


class CallTimes(NamedTuple):
    """When it rang, was answered and ended, as far as anybody knows; microseconds UTC."""

    ringing_us: int | None
    answered_us: int | None
    ended_us: int | None


class CallEvidence:
    """What a call's facts say together, each field as the last in their order has it."""

    __slots__ = (
        *("answered", "created_us", "disputed", "end_words", "escalated", "finals", "first_us"),
        *("last_us", "leg_us", "merged", "open", "places", "platform", "preferred", "settled", "tags"),
        "talk_us",
    )

    def __init__(self, ordered: Sequence[Fact]) -> None:
        self.merged: StatedFields = {}
        self.open: str = _QUEUED
        self.finals: list[str] = []
        self.answered = self.escalated = False
        # Whether a conflict is possible at all: mostly not, and counting costs a third of the fold.
        self.disputed = False
        self.created_us = ordered[0].occurred_us
        self.first_us: dict[str, int] = {}
        self.last_us: dict[str, int] = {}
        self.leg_us: int | None = None
        self.talk_us = self.created_us
        self.tags: set[str] = set()
        self.end_words: dict[FactSource, StatedFields] = {}
        self.preferred: StatedFields = {}
        self.places: dict[str, int] = {}
        self.platform: PlatformTimes | None = None
        # Whether a carrier told how it ended: then nothing that a platform says of the state counts.
        self.settled = False
        for fact in ordered:
            if fact.is_carrier and fact.stated.get("status") in FINAL:
                self.settled = True
                break
        for fact in ordered:
            self._take(fact)
        self.merged.update(self.preferred)
        if "started_us" not in self.merged:
            # A computed time is never before a start that somebody states.
            self.created_us = min(self.created_us, self.talk_us)
        if self.platform is not None:
            self._adopt(self.platform)

    def _take(self, fact: Fact) -> None:
        said, occurred_us = fact.stated, fact.occurred_us
        if "leg" in said:
            said = self._of_call(said)
        for name in PARTIES:
            if name in said and self.merged.get(name, said[name]) != said[name]:
                self.disputed = True
        self._date(said, occurred_us)
        if fact.is_carrier or fact.channel == Channel.OWN_EVENT:
            self.merged.update(said)
            self._take_state(said, occurred_us)
        else:
            self._take_platform(said, occurred_us)
        self._prefer(fact, said)
        if said.get("escalated") or "escalation" in said:
            self.escalated = True
        if "tags" in said:
            self.tags.update(said["tags"])
        self.disputed = self.disputed or fact.event_id != ""

    def _of_call(self, said: StatedFields) -> StatedFields:
        """What one leg says of the whole call.

        The call was answered when its first leg was, and ended with the last. Who called whom the leg says
        that began first: a later one has the agent to whom the call went on.
        """
        kept, merged, started_us = said.copy(), self.merged, said.get("started_us", 0)
        self.answered = self.answered or "answered_us" in said
        if "answered_us" in said and merged.get("answered_us", said["answered_us"]) < said["answered_us"]:
            del kept["answered_us"]
        if "ended_us" in said:
            kept["ended_us"] = max(said["ended_us"], merged.get("ended_us", said["ended_us"]))
        if self.leg_us is not None and self.leg_us <= started_us:
            for name in _OF_FIRST_LEG:
                kept.pop(name, None)
        else:
            self.leg_us = started_us
        return kept

    def _date(self, said: StatedFields, occurred_us: int) -> None:
        """Everything that is dated proves that the call was there by then."""
        first_us = min(self.created_us, occurred_us)
        for name in TIMES:
            if name in said and said[name] < first_us:
                first_us = said[name]
        self.created_us = first_us
        if "talk_seconds" in said:
            # Told with its end, a talk proves that the call was there when it began.
            ended_us = said.get("ended_us", occurred_us if said.get("status") in FINAL else None)
            begun_us = talk_begun_us(said, ended_us)
            self.talk_us = self.talk_us if begun_us is None else min(self.talk_us, begun_us)

    def _take_state(self, said: StatedFields, occurred_us: int) -> None:
        if (status := said.get("status")) is not None:
            self.first_us[status] = min(occurred_us, self.first_us.get(status, occurred_us))
            self._take_status(status)
            if status in FINAL:
                # Behind all others, so that the last of them is the last of the facts.
                self.last_us.pop(status, None)
                self.last_us[status] = final_us(said, occurred_us)
        if "answered_us" in said or said.get("talk_seconds", 0) > 0:
            self.answered = True

    def _take_status(self, status: str) -> None:
        if status in FINAL:
            self.disputed = self.disputed or (bool(self.finals) and self.finals[0] != status)
            self.finals.append(status)
        else:
            self.open = status
            self.answered = self.answered or status == _IN_PROGRESS

    def _take_platform(self, said: StatedFields, occurred_us: int) -> None:
        """What it says of times is kept apart until it is known what the others say of them."""
        if self.platform is None:
            self.platform = PlatformTimes()
        self.platform.take(said, occurred_us)
        self.merged.update(cast("StatedFields", {name: said[name] for name in said.keys() - _OF_STATE}))  # type: ignore[literal-required] # of its own keys
        status = said.get("status")
        if self.settled:
            self.disputed = self.disputed or status in FINAL
        elif status is not None:
            self._take_status(status)

    def _adopt(self, platform: PlatformTimes) -> None:
        """Take from the platform what nobody else tells of the times."""
        merged, first_us = self.merged, self.first_us
        platform.fill_in(
            merged,
            rang="ringing_us" in merged or _RINGING in first_us,
            talked="answered_us" in merged or _IN_PROGRESS in first_us,
            ended="ended_us" in merged or bool(self.last_us),
        )
        if platform.answered and (not self.settled or self.status() == _COMPLETED):
            self.answered = True

    def _prefer(self, fact: Fact, said: StatedFields) -> None:
        """Keep what stands by who says it, not by the order of facts."""
        if _PREFERRED.isdisjoint(said):
            return
        for name, places in _PRECEDENCE:
            if name in said and places[fact.source] >= self.places.get(name, 0):
                self.places[name] = places[fact.source]
                self.preferred[name] = said[name]
        if "end_reason" in said or "end_word" in said:
            self.end_words[fact.source] = said

    def status(self) -> str:
        """Final beats open; an answer makes any final state `completed`."""
        if not self.finals:
            return self.open
        if self.answered:
            return _COMPLETED
        # Vonage sends `completed` after busy, failed and unanswered too: it proves nothing by itself.
        unanswered = [status for status in self.finals if status in UNANSWERED]
        return unanswered[-1] if unanswered else _COMPLETED

    def can_conflict(self, status: str) -> bool:
        """Whether the facts may contradict each other, or the state that they led to."""
        return self.disputed or (bool(self.finals) and self.finals[0] != status)

    def clock(self, status: str) -> CallTimes:
        """What a fact states outright, else when the state was told of."""
        merged = self.merged
        ringing_us = merged.get("ringing_us", self.first_us.get(_RINGING))
        ended_us = merged.get("ended_us", self._end_us(status)) if status in FINAL else None
        if not self.answered:
            return CallTimes(ringing_us, None, ended_us)
        answered_us = merged.get("answered_us", self.first_us.get(_IN_PROGRESS))
        talk_seconds = merged.get("talk_seconds", 0)
        if answered_us is None and ended_us is not None and talk_seconds > 0:
            begun_us = ended_us - int(talk_seconds * SECOND_US)
            answered_us = max(begun_us, merged.get("started_us", begun_us))
        return CallTimes(ringing_us, answered_us, ended_us)

    def pdd_ms(self, ringing_us: int | None) -> int | None:
        """How long after its start it rang. A call that only ever rang has no start that is known."""
        first_us = self.first_us
        told_us = first_us.get(_INITIATED, first_us.get(_QUEUED))
        started_us = self.merged.get("started_us", told_us)
        if ringing_us is None or started_us is None:
            return None
        return max(0, ringing_us - started_us) // 1000

    def _end_us(self, status: str) -> int | None:
        """When the last fact that says the call's final state (or, failing that, any) happened."""
        told_us = self.last_us
        return told_us.get(status, next(reversed(told_us.values()), None))

    def ending(self, status: str, clock: CallTimes) -> Ending:
        """Why it ended, from words and codes."""
        if status in OPEN:
            # Three of a call's four facts: what would be gathered for it says nothing yet.
            return NOT_ENDED
        merged, words = self.merged, self.end_words
        cause = (
            *(merged.get("sip_code"), merged.get("hangup_cause"), merged.get("error_code")),
            *(merged.get("provider"), clock.ringing_us is not None),
        )
        if not words:
            return resolve_ending_by_codes(status, merged.get("direction"), cause)
        others = words.get(FactSource.CARRIER, words.get(FactSource.OWN))
        codes = EndCodes(status, FailureCause(*cause), merged.get("direction"))
        return resolve_ending(codes, end_word_of(words.get(FactSource.PLATFORM)), end_word_of(others))
