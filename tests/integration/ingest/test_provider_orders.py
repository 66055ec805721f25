"""Every provider's samples through the application: order and repeats make no difference, to the byte."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from calltally.providers.registry import WEBHOOKS
from calltally.store.secrets import put_provider_secrets
from calltally.store.verification import Verification
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import Service
from tests.unit.providers.sampling import HOST, NOW_US, Sent, path_of, samples_of, signed

LIST = "/api/v1/call-logs?limit=1000"
# What tells when something was written, and in how many commits.
WRITTEN = re.compile(rb',"revision":\d+,"updated_at":"[^"]*"|,"snapshot":"[^"]*"')


class Message(NamedTuple):
    """A request of one provider."""

    provider: str
    sent: Sent


class Told(NamedTuple):
    """How the answers counted what was sent, and the list afterwards but for when it was written."""

    outcomes: Counter[str]
    listed: bytes


MESSAGES = [Message(name, sent) for name in WEBHOOKS for sent in samples_of(name).story]


def told(bench: Bench, messages: Sequence[Message]) -> Told:
    bench.now_us = NOW_US
    service = Service(bench, public_url=HOST)
    for name in WEBHOOKS:
        sealed = service.vault.seal(TENANT, name, samples_of(name).secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, name, sealed, NOW_US)))
    outcomes: Counter[str] = Counter()
    for name, sent in messages:
        headers = signed(name, sent).headers
        answer = service.ask(sent.method, path_of(name, sent), sent.body, headers)
        assert answer.status_code == 200, (name, sent, answer.text)
        outcomes.update(each["outcome"] for each in answer.json()["outcomes"])
    listed = service.ask("GET", LIST, headers=service.bearer("calls:read"))
    return Told(outcomes, WRITTEN.sub(b"", listed.content))


def shuffled(messages: Sequence[Message], seed: int) -> list[Message]:
    return random.Random(seed).sample(messages, len(messages))


def fresh(outcomes: Counter[str]) -> int:
    return outcomes["applied"] + outcomes["ignored"]


def test_any_order_and_any_repeats_give_the_same_calls(new_bench: Callable[[], Bench]) -> None:
    bench = new_bench()
    expected = told(bench, MESSAGES)
    assert set(expected.outcomes) <= {"applied", "ignored"}
    for messages in (shuffled(MESSAGES, 1), shuffled(MESSAGES, 2), MESSAGES[::-1], shuffled(MESSAGES * 3, 3)):
        again = told(new_bench(), messages)
        assert again.listed == expected.listed
        assert fresh(again.outcomes) == fresh(expected.outcomes)
    verdict = bench.run(Verification(bench.store, lambda _kind, _count: None, random.Random(1)).run([TENANT]))
    assert verdict.findings == []


@pytest.fixture(scope="module")
def expected_calls() -> dict[str, dict[str, Any]]:
    return {sid: dict(call) for name in WEBHOOKS for sid, call in samples_of(name).calls.items()}


def test_the_calls_are_what_was_told(bench: Bench, expected_calls: dict[str, dict[str, Any]]) -> None:
    listed = json.loads(told(bench, shuffled(MESSAGES, 4)).listed)["data"]
    calls = {call["call_sid"]: call for call in listed}
    found = {
        sid: {field: calls[sid][field] for field in expected} for sid, expected in expected_calls.items()
    }
    assert found == expected_calls
