"""Example body from Vapi's documentation."""

from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.providers.callback import Callback
from calltally.providers.vapi import normalise
from tests.conftest import REAL_DATA
from tests.unit.providers.sampling import NOW_US


def test_the_smallest_documented_report_is_read() -> None:
    body = (REAL_DATA / "vapi" / "end_of_call_report_min.json").read_bytes()
    [fact] = normalise.facts_of(Callback("POST", "https://calls.example/", {}, body, NOW_US))
    call = fold("acme", Node(fact.call_sid, is_carrier=False), [fact]).call
    assert (call.call_sid, call.status) == ("73a6da0f-c455-4bb6-bf4a-5f0634871430", "completed")
    assert call.end_reason == "local-hung-up"
