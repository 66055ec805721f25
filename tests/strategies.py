"""Facts as hypothesis makes them: few SIDs, few instants, many contradictions."""

from typing import Any

from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.times import SECOND_US

START_US = 1_790_000_040_000_000
SIDS = ("CA" + "0" * 32, "CA" + "f" * 32, "platform-1", "platform-2", "own")
# A few seconds, minutes, hours and days apart, so that every level of the counters has neighbours.
STEPS_US = tuple(SECOND_US * seconds for seconds in (0, 1, 20, 61, 3_700, 90_000, 3_000_000))

instants_us = st.builds(lambda a, b: START_US + a + b, st.sampled_from(STEPS_US), st.sampled_from(STEPS_US))


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


stated = _optional(
    status=st.sampled_from([status.value for status in STATUSES]),
    direction=st.sampled_from([direction.value for direction in DIRECTIONS]),
    from_number=st.sampled_from(["+15550100", "+15550101", "(555) 01.01"]),
    to_number=st.sampled_from(["+15550101", "200", "555-0 100"]),
    parent_call_sid=st.sampled_from([SIDS[0], SIDS[2]]),
    route=st.sampled_from(["support", "sales"]),
    mapped_route=st.just("support"),
    agent=st.sampled_from(["vera", "otto"]),
    mapped_agent=st.just("otto"),
    provider=st.sampled_from(["twilio", "switch"]),
    answered_us=instants_us,
    ended_us=instants_us,
    ringing_us=instants_us,
    talk_seconds=st.sampled_from([0, 1, 42.7]),
    escalated=st.booleans(),
    summary=st.sampled_from(["Kept.", "Moved."]),
    tags=st.lists(st.sampled_from(["vip", "test", "late"]), max_size=2),
    metadata=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 2), max_size=2),
)


@st.composite
def facts(draw: st.DrawFn, *, links: bool = True) -> Fact:
    """One fact about one of five SIDs, which sometimes says that another is the same call."""
    content: StatedFields = draw(stated)  # type: ignore[assignment]
    sid = draw(st.sampled_from(SIDS))
    occurred_us, sequence = draw(instants_us), draw(st.none() | st.integers(0, 3))
    nodes = st.builds(Node, st.sampled_from(SIDS), st.booleans())
    linked = tuple(draw(st.lists(nodes, max_size=1))) if links and draw(st.integers(0, 3)) == 0 else ()
    channel = draw(st.sampled_from(list(Channel)))
    return Fact(
        call_sid=sid,
        channel=int(channel),
        provider=draw(st.sampled_from(["", "twilio"])),
        account="",
        event_id=draw(st.sampled_from(["", "e1", "e2"])),
        sequence=sequence,
        occurred_us=occurred_us,
        received_us=START_US,
        digest=content_digest([sid, occurred_us, sequence, content, linked]),
        stated=content,
        raw=b"{}",
        is_carrier=sid.startswith("CA") and channel != Channel.OWN_EVENT,
        links=linked,
    )
