"""All providers' samples through the ledger: order and repeats make no difference, to the byte."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from calltally.calls.list_query import ListQuery
from calltally.ingest.callbacks import CallbackReceipt, CallbackVerdict
from calltally.ingest.intake import Intake
from calltally.providers.registry import WEBHOOKS
from calltally.store.listing.list_calls import list_calls
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.store.verify.run import Verification
from tests.conftest import TENANT, Bench, records_of
from tests.integration.ingest.service import Service
from tests.unit.providers.sampling import HOST, NOW_US, Sent, path_of, samples_of, signed

# Fields that depend on the time and the number of commits.
WRITTEN = re.compile(rb',"revision":\d+,"updated_at":"[^"]*"')
# The number of messages that arrive at once and may share a commit.
AT_ONCE = 12


class Message(NamedTuple):
    """Request of one provider."""

    provider: str
    sent: Sent


class Received(NamedTuple):
    """Outcome counts, and the calls without the times at which they were written."""

    outcomes: Counter[str]
    listed: bytes
    calls: dict[str, dict[str, Any]]


MESSAGES = [Message(name, sent) for name in WEBHOOKS for sent in samples_of(name).story]


def received(bench: Bench, messages: Sequence[Message]) -> Received:
    bench.now_us = NOW_US
    receipts = bench.run(_receive_all(bench, messages))
    assert {receipt.verdict for receipt in receipts} == {CallbackVerdict.RECORDED}
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(limit=1_000))))
    outcomes = Counter(str(each.outcome) for receipt in receipts for each in receipt.recorded)
    calls = {call["call_sid"]: call for call in records_of(page)}
    return Received(outcomes, WRITTEN.sub(b"", page.records), calls)


async def _receive_all(bench: Bench, messages: Sequence[Message]) -> list[CallbackReceipt]:
    vault = Vault(bytes(32))
    for name in WEBHOOKS:
        sealed = vault.seal(TENANT, name, samples_of(name).secrets)
        await bench.store.write(put_provider_secrets(TENANT, name, sealed, NOW_US))
    callbacks = Intake(bench.store, vault, lambda: bench.now_us).callbacks
    receipts = []
    for start in range(0, len(messages), AT_ONCE):
        arriving = messages[start : start + AT_ONCE]
        receipts += await asyncio.gather(
            *(callbacks.receive(name, TENANT, signed(name, sent)) for name, sent in arriving)
        )
    return receipts


def shuffled(messages: Sequence[Message], seed: int) -> list[Message]:
    return random.Random(seed).sample(messages, len(messages))


def fresh(outcomes: Counter[str]) -> int:
    return outcomes["applied"] + outcomes["ignored"]


def test_any_order_and_repeats_give_the_same_calls(new_bench: Callable[[], Bench]) -> None:
    bench = new_bench()
    expected = received(bench, MESSAGES)
    assert set(expected.outcomes) <= {"applied", "ignored"}
    for messages in (shuffled(MESSAGES, 1), MESSAGES[::-1], shuffled(MESSAGES * 3, 2)):
        again = received(new_bench(), messages)
        assert again.listed == expected.listed
        assert fresh(again.outcomes) == fresh(expected.outcomes)
    verdict = bench.run(Verification(bench.store, lambda _kind, _count: None, random.Random(1)).run([TENANT]))
    assert verdict.findings == []


def test_calls_match_the_callbacks(bench: Bench) -> None:
    calls = received(bench, shuffled(MESSAGES, 3)).calls
    expected = {sid: dict(call) for name in WEBHOOKS for sid, call in samples_of(name).calls.items()}
    found = {sid: {field: calls[sid][field] for field in call} for sid, call in expected.items()}
    assert found == expected


def test_callback_by_get_is_accepted_over_http(bench: Bench) -> None:
    bench.now_us = NOW_US
    service = Service(bench, public_url=HOST)
    sent = next(sent for sent in samples_of("vonage").story if sent.method == "GET")
    sealed = service.vault.seal(TENANT, "vonage", samples_of("vonage").secrets)
    bench.run(bench.store.write(put_provider_secrets(TENANT, "vonage", sealed, NOW_US)))
    headers = signed("vonage", sent).headers
    answer = service.request("GET", path_of("vonage", sent), headers=headers)
    assert (answer.status_code, answer.json()["outcomes"][0]["outcome"]) == (200, "applied")
    refused = service.request("GET", path_of("vonage", sent) + "1", headers=headers)
    assert refused.status_code == 403
