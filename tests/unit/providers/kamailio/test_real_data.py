"""Events of a real switch, from its file and its requests."""

import json
from collections import Counter

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.kamailio.events import facts_of, list_facts
from tests.conftest import REAL_DATA

AFTER_US = 1_795_600_000_000_000
FILE = REAL_DATA / "kamailio" / "dialog_events.jsonl"


def test_the_file_of_a_real_switch_has_201_calls() -> None:
    with FILE.open("rb") as lines:
        facts = [
            item
            for item in list_facts(lines, RecordSource(Channel.IMPORT, AFTER_US))
            if isinstance(item, Fact)
        ]
    assert len(facts) == 405
    by_sid: dict[str, dict[bytes, Fact]] = {}
    for fact in facts:
        by_sid.setdefault(fact.call_sid, {})[fact.key] = fact
    calls = [fold("acme", Node(sid, is_carrier=True), by_key.values()).call for sid, by_key in by_sid.items()]
    assert Counter(call.status for call in calls) == {"completed": 200, "failed": 1}
    assert {call.conflicts for call in calls} == {0}


def test_states_of_one_second_are_ordered_independently_of_arrival() -> None:
    names = ("answered", "started", "ringing")
    lines = [json.dumps({"event": name, "call_id": "1@x", "ts": 1_795_527_998}).encode() for name in names]
    facts = [
        item for item in list_facts(lines, RecordSource(Channel.IMPORT, AFTER_US)) if isinstance(item, Fact)
    ]
    assert fold("acme", Node("1@x", is_carrier=True), facts).call.status == "in-progress"


def test_requests_and_lines_give_the_same_fact() -> None:
    line = FILE.read_bytes().splitlines()[0]
    (fact,) = facts_of(Callback("POST", "https://calls.example/", {}, line, AFTER_US))
    assert fact.stated["status"] == "in-progress"
    assert fact.occurred_us == int(json.loads(line)["ts"]) * 1_000_000
