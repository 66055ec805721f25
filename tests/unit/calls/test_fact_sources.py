"""One call with two sources: the carrier decides states and times, the platform words and cost."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from tests.sample_facts import SID, fact, own

NODE = Node(SID, is_carrier=True)
LINK = (NODE,)


def platform(
    at: float,
    *,
    channel: Channel = Channel.CALLBACK,
    sequence: int | None = None,
    **stated: Any,  # noqa: ANN401 (values of every kind)
) -> Fact:
    details: dict[str, Any] = {
        "channel": channel,
        "sequence": sequence,
        "provider": "vapi",
        "is_carrier": False,
        "links": LINK,
    }
    return fact(at, "vapi-1", **details, **stated)


def folded(*facts: Fact) -> Call:
    return fold("acme", NODE, facts).call


CARRIER = (
    fact(0, status="initiated", sequence=0, from_number="+14155550100"),
    fact(2, status="ringing", sequence=1),
    fact(10, status="in-progress", sequence=2),
    fact(40, status="completed", sequence=3, talk_seconds=30, cost={"amount": "0.01", "currency": "USD"}),
)
REPORT = platform(
    45,
    status="completed",
    answered_us=CARRIER[2].occurred_us + 3_000_000,
    ended_us=CARRIER[3].occurred_us + 9_000_000,
    talk_seconds=41.5,
    from_number="+1 (415) 555-0100",
    summary="Booked.",
    platform_agent="assistant-7",
    cost={"amount": "0.09", "currency": "USD"},
    recording_url="https://platform.example/1",
    session_id="vapi-1",
)


def check(call: Call) -> None:
    assert (call.status, call.duration_seconds, call.ring_seconds) == ("completed", 30, 8)
    assert (call.from_number, call.provider_account) == ("+14155550100", None)
    assert (call.summary, call.session_id, call.agent) == ("Booked.", "vapi-1", "assistant-7")
    assert (call.cost, call.recording_url) == (
        {"amount": "0.09", "currency": "USD"},
        "https://platform.example/1",
    )


def test_report_before_carriers_last_status() -> None:
    check(folded(*CARRIER[:3], REPORT, CARRIER[3]))
    assert folded(*CARRIER[:3], REPORT).status == "completed"


def test_repeated_report() -> None:
    call = folded(*CARRIER, REPORT)
    assert folded(REPORT, *CARRIER, REPORT) == call
    check(call)


def test_no_report_at_all() -> None:
    call = folded(*CARRIER)
    assert (call.status, call.duration_seconds, call.summary) == ("completed", 30, None)
    assert call.cost == {"amount": "0.01", "currency": "USD"}


def test_report_alone_gives_a_call_with_times() -> None:
    call = folded(REPORT)
    assert (call.status, call.duration_seconds) == ("completed", 41)


@given(st.permutations([*CARRIER, REPORT, REPORT]))
def test_order_of_arrival_makes_no_difference(facts: Sequence[Fact]) -> None:
    check(folded(*facts))


@given(
    ours=st.sampled_from(["busy", "no-answer", "failed", "canceled"]),
    theirs=st.sampled_from(["completed", "busy", "no-answer", "failed", "canceled"]),
    at=st.integers(0, 90),
    channel=st.sampled_from([Channel.CALLBACK, Channel.PROVIDER_LIST, Channel.IMPORT]),
)
def test_carriers_final_state_wins(ours: str, theirs: str, at: int, channel: Channel) -> None:
    report = platform(at, channel=channel, sequence=99, status=theirs)
    for facts in ((fact(40, status=ours), report), (report, fact(40, status=ours))):
        assert folded(*facts).status == ours


def test_own_summary_outranks_the_platforms() -> None:
    assert folded(REPORT, own(1, summary="By hand.")).summary == "By hand."


def test_own_agent_outranks_the_platforms_id() -> None:
    assert folded(REPORT, fact(1, mapped_agent="ada")).agent == "ada"
    assert folded(REPORT, fact(1, mapped_agent="ada"), own(2, agent="bea")).agent == "bea"
