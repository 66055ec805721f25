"""Which side hung up: the end of the line that a source names, with the direction of the call."""

from itertools import permutations
from typing import Any, Final

import pytest

from calltally.calls.end_reasons import EXPLANATIONS, FORMER_REASONS, EndReason, attribution_of
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.line_ends import LineEnd, is_remote_end
from tests.sample_facts import SID, fact, own

NODE = Node(SID, is_carrier=True)
ANSWERED: Final[dict[str, Any]] = {"status": "completed", "talk_seconds": 5}


@pytest.mark.parametrize(
    ("end", "direction", "expected"),
    [
        ("caller", "inbound", "remote-hung-up"),
        ("caller", "outbound", "local-hung-up"),
        ("called", "inbound", "local-hung-up"),
        ("called", "outbound", "remote-hung-up"),
        ("remote", None, "remote-hung-up"),
        ("local", None, "local-hung-up"),
        ("caller", None, "unknown"),
    ],
)
def test_the_end_and_the_direction_give_the_side(end: str, direction: str | None, expected: str) -> None:
    stated: dict[str, Any] = {} if direction is None else {"direction": direction}
    story = [fact(0, status="initiated", **stated), fact(9, **ANSWERED, hung_up_by=end)]
    for order in permutations([*story, story[1]]):
        assert fold("acme", NODE, order).call.end_reason == expected
    remote = is_remote_end(end, direction)
    assert remote is (None if expected == "unknown" else expected == "remote-hung-up")


def test_a_hang_up_word_yields_to_the_end_of_the_line_and_another_reason_does_not() -> None:
    outbound: dict[str, Any] = {**ANSWERED, "direction": "outbound", "hung_up_by": LineEnd.CALLER}
    for word, expected in (("caller hungup", "local-hung-up"), ("time_limit", "limit-reached")):
        assert fold("acme", NODE, [fact(9, **outbound, end_reason=word)]).call.end_reason == expected


def test_a_platform_decides_before_the_carrier() -> None:
    stated = fact(8, "vapi-1", provider="vapi", is_carrier=False, end_reason="transferred")
    ended = fact(9, **ANSWERED, direction="inbound", hung_up_by="caller")
    assert fold("acme", NODE, [ended, stated]).call.end_reason == "transferred"


def test_unanswered_calls_are_not_hung_up() -> None:
    ended = fact(9, status="busy", direction="outbound", hung_up_by="called")
    assert fold("acme", NODE, [ended]).call.end_reason == "busy"


@pytest.mark.parametrize(("former", "reason"), FORMER_REASONS.items())
def test_former_words_are_read_as_the_present_ones(former: str, reason: EndReason) -> None:
    by_platform = fact(
        9, "v-1", provider="vapi", is_carrier=False, **ANSWERED, end_reason=former, end_word="its-own-word"
    )
    for each in (own(9, **ANSWERED, end_reason=former), by_platform):
        assert fold("acme", NODE, [each]).call.end_reason == reason
    attribution = attribution_of(former)
    assert attribution is not None
    assert attribution.reason is reason
    assert former not in EXPLANATIONS
