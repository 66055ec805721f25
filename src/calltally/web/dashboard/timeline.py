"""The course of a call on one clock: a lane for each kind of teller, ringing and talk as bars."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from calltally.calls.events import DOOR_NAMES, Door
from calltally.calls.times import SECOND_US, parse_instant

Record = Mapping[str, Any]

_LANES: Final[Mapping[str, str]] = {
    DOOR_NAMES[Door.CALLBACK]: "lane_carrier",
    DOOR_NAMES[Door.OWN_EVENT]: "lane_own",
    DOOR_NAMES[Door.IMPORT]: "lane_list",
    DOOR_NAMES[Door.PROVIDER_LIST]: "lane_list",
}
# The picture is this wide in units of its own; the page scales it.
WIDTH: Final = 1000
# A mark at the very end would be cut in half.
_EDGE: Final = 10


class Mark(NamedTuple):
    """One fact: where on the clock, in which lane, what it says, and whether it came out of order."""

    x: float
    lane: int
    label: str
    is_late: bool


class Bar(NamedTuple):
    """A stretch of the call: `ringing` or `talking`."""

    x: float
    width: float
    kind: str


class Timeline(NamedTuple):
    """Everything that the picture shows; offsets are from the call's first evidence."""

    lanes: Sequence[str]
    marks: Sequence[Mark]
    bars: Sequence[Bar]
    ticks: Sequence[tuple[float, str]]


def timeline(call: Record, facts: Sequence[Record]) -> Timeline:
    """The picture of a call; `facts` are in the order in which they happened."""
    created_us = parse_instant(call["created_at"])
    instants_us = [parse_instant(fact["occurred_at"]) for fact in facts]
    ends_us = [parse_instant(call[name]) for name in ("answered_at", "ended_at") if call[name]]
    length_us = max([*instants_us, *ends_us, created_us + SECOND_US]) - created_us
    clock = _Clock(created_us, length_us)
    lanes = list(dict.fromkeys(_LANES[fact["door"]] for fact in facts))
    return Timeline(lanes, _marks(clock, facts, lanes), _bars(clock, call), clock.ticks())


class _Clock(NamedTuple):
    from_us: int
    length_us: int

    def x(self, instant_us: int) -> float:
        part = min(max((instant_us - self.from_us) / self.length_us, 0.0), 1.0)
        return round(_EDGE + part * (WIDTH - 2 * _EDGE), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Four even parts of the call, in seconds from its begin."""
        quarter_us = self.length_us / 4
        return [
            (self.x(self.from_us + int(part * quarter_us)), f"{part * quarter_us / SECOND_US:.4g} s")
            for part in range(5)
        ]


def _marks(clock: _Clock, facts: Sequence[Record], lanes: Sequence[str]) -> list[Mark]:
    marks, latest = [], ""
    for fact in facts:
        is_late = fact["received_at"] < latest
        latest = max(latest, fact["received_at"])
        lane = lanes.index(_LANES[fact["door"]])
        marks.append(Mark(clock.x(parse_instant(fact["occurred_at"])), lane, _label(fact), is_late))
    return marks


def _label(fact: Record) -> str:
    said = fact["said"]
    return str(said.get("status") or next(iter(said), fact["outcome"]))


def _bars(clock: _Clock, call: Record) -> list[Bar]:
    answered, ended = call["answered_at"], call["ended_at"]
    bars = []
    if call["ring_seconds"] and (until := answered or ended):
        until_us = parse_instant(until)
        bars.append(_bar(clock, until_us - call["ring_seconds"] * SECOND_US, until_us, "ringing"))
    if answered and ended:
        bars.append(_bar(clock, parse_instant(answered), parse_instant(ended), "talking"))
    return bars


def _bar(clock: _Clock, from_us: int, to_us: int, kind: str) -> Bar:
    return Bar(clock.x(from_us), round(max(clock.x(to_us) - clock.x(from_us), 1.0), 1), kind)
