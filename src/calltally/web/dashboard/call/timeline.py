"""Timeline of a call: lanes by kind of event, on one time scale."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.events import CHANNEL_NAMES, Channel
from calltally.calls.times import SECOND_US, parse_instant
from calltally.web.dashboard.call.conversation import ConversationEntry, clock_text
from calltally.web.dashboard.call.sentence import span

Record = Mapping[str, Any]

_LANES: Final[Mapping[str, str]] = {
    CHANNEL_NAMES[Channel.CALLBACK]: "lane_carrier",
    CHANNEL_NAMES[Channel.OWN_EVENT]: "lane_own",
    CHANNEL_NAMES[Channel.IMPORT]: "lane_list",
    CHANNEL_NAMES[Channel.PROVIDER_LIST]: "lane_list",
}
# Positions are in percent of the width. A mark at the very edge would be cut in half. Events after the end of
# the call have their own section, because a delivery may be hours later.
LEFT: Final = 1.0
RIGHT: Final = 99.0
END: Final = 84.0
AFTER: Final = 87.0
LAST_TICK: Final = 76.0
_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
_MAX_TICKS: Final = 6
# A shorter lag counts as on time.
_LAG_US: Final = 2 * SECOND_US


class TimelineMark(NamedTuple):
    """One instant. `arrived` is the position of its receipt if later; `is_late`: received out of order."""

    x: float
    label: str
    arrived: float | None = None
    is_late: bool = False


class TimelineBar(NamedTuple):
    """A period: its kind, label, and link target on the page."""

    x: float
    width: float
    kind: str
    label: str
    anchor: str = ""


class TimelineLane(NamedTuple):
    """One lane with its marks and bars."""

    name: str
    marks: Sequence[TimelineMark]
    bars: Sequence[TimelineBar] = ()


class Timeline(NamedTuple):
    """The complete timeline. `has_after`: some events came after the end."""

    lanes: Sequence[TimelineLane]
    ticks: Sequence[tuple[float, str]]
    has_after: bool


class TimelineScale(NamedTuple):
    """Time scale from the start to the end of the call, and to the last event after it."""

    from_us: int
    end_us: int
    last_us: int

    def x(self, instant_us: int) -> float:
        """Return the position of an instant, limited to the edges."""
        if instant_us <= self.end_us:
            return _between(instant_us, (self.from_us, self.end_us), (LEFT, END if self.has_after else RIGHT))
        return _between(instant_us, (self.end_us, self.last_us), (AFTER, RIGHT))

    @property
    def has_after(self) -> bool:
        return self.last_us > self.end_us

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield ticks at round seconds of the call, and the offset of the last event."""
        length_s = (self.end_us - self.from_us) // SECOND_US
        step_s = next((step for step in _STEPS_S if length_s // step < _MAX_TICKS), _STEPS_S[-1])
        for at_s in range(0, length_s + 1, step_s):
            position = self.x(self.from_us + at_s * SECOND_US)
            # Leave room for the label of the section after the end.
            if position < LAST_TICK or not self.has_after:
                yield position, clock_text(at_s)
        if self.has_after:
            yield RIGHT, f"+{span((self.last_us - self.end_us) // SECOND_US)}"


def timeline(call: Record, entries: Sequence[ConversationEntry]) -> Timeline:
    """Return the timeline of a call with its `events` in order of time and its `deliveries`."""
    clock = _clock(call, entries)
    lanes = [
        TimelineLane("lane_call", (), list(_course(clock, call))),
        *_fact_lanes(clock, call["events"]),
        *_conversation_lanes(clock, call, entries),
        TimelineLane("lane_deliveries", [_delivery_mark(clock, each) for each in call["deliveries"]]),
    ]
    used_lanes = [lane for lane in lanes if lane.marks or lane.bars]
    return Timeline(used_lanes, list(clock.ticks()), clock.has_after)


def _clock(call: Record, entries: Sequence[ConversationEntry]) -> TimelineScale:
    created_us = parse_instant(call["created_at"])
    instants_us = [parse_instant(fact["occurred_at"]) for fact in call["events"]]
    instants_us += [created_us + int(entry.until_s * SECOND_US) for entry in entries]
    instants_us += [parse_instant(each["updated_at"]) for each in call["deliveries"]]
    last_us = max([*instants_us, created_us + SECOND_US])
    end_us = max(parse_instant(call["ended_at"]), created_us + SECOND_US) if call["ended_at"] else last_us
    return TimelineScale(created_us, end_us, max(last_us, end_us))


def _between(instant_us: int, ends_us: tuple[int, int], ends: tuple[float, float]) -> float:
    part = (instant_us - ends_us[0]) / max(ends_us[1] - ends_us[0], 1)
    return round(ends[0] + min(max(part, 0.0), 1.0) * (ends[1] - ends[0]), 2)


def _course(clock: TimelineScale, call: Record) -> Iterator[TimelineBar]:
    """Yield the ringing and talking periods, if known."""
    answered, ended = call["answered_at"], call["ended_at"]
    if call["ring_seconds"] and (until := answered or ended):
        until_us = parse_instant(until)
        begin_us = until_us - call["ring_seconds"] * SECOND_US
        yield _bar(clock, (begin_us, until_us), "ringing", span(call["ring_seconds"]))
    if answered:
        until_us = parse_instant(ended) if ended else clock.end_us
        yield _bar(clock, (parse_instant(answered), until_us), "talking", span(call["duration_seconds"]))


def _fact_lanes(clock: TimelineScale, facts: Sequence[Record]) -> Iterator[TimelineLane]:
    marks: dict[str, list[TimelineMark]] = {}
    latest = ""
    for fact in facts:
        is_late = fact["received_at"] < latest
        latest = max(latest, fact["received_at"])
        occurred_us, received_us = parse_instant(fact["occurred_at"]), parse_instant(fact["received_at"])
        has_lag = received_us - occurred_us > _LAG_US and received_us <= clock.last_us
        arrived = clock.x(received_us) if has_lag else None
        mark = TimelineMark(clock.x(occurred_us), _label(fact), arrived, is_late)
        marks.setdefault(_LANES[fact["door"]], []).append(mark)
    return (TimelineLane(name, lane_marks) for name, lane_marks in marks.items())


def _label(fact: Record) -> str:
    content = fact["said"]
    return str(content.get("status") or next(iter(content), fact["outcome"]))


def _conversation_lanes(
    clock: TimelineScale, call: Record, entries: Sequence[ConversationEntry]
) -> Iterator[TimelineLane]:
    created_us = parse_instant(call["created_at"])
    lanes: dict[str, list[TimelineBar]] = {"lane_speech": [], "lane_tools": [], "lane_hand_over": []}
    for entry in entries:
        ends_us = (
            created_us + int(entry.offset_s * SECOND_US),
            created_us + int(entry.until_s * SECOND_US),
        )
        lanes[entry.lane].append(_bar(clock, ends_us, entry.kind, entry.label)._replace(anchor=entry.anchor))
    return (TimelineLane(name, (), bars) for name, bars in lanes.items())


def _delivery_mark(clock: TimelineScale, delivery: Record) -> TimelineMark:
    label = f"{delivery['event']}: {delivery['state']}"
    return TimelineMark(
        clock.x(parse_instant(delivery["updated_at"])), label, None, delivery["state"] != "delivered"
    )


def _bar(clock: TimelineScale, ends_us: tuple[int, int], kind: str, label: str) -> TimelineBar:
    begin = clock.x(ends_us[0])
    return TimelineBar(begin, round(max(clock.x(ends_us[1]) - begin, 0.4), 2), kind, label)
