"""A refold reads stored bodies again: calls of an earlier release become those of this one."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.list_query import ListQuery
from calltally.ingest.callbacks import UnparsedBody, read_facts
from calltally.ingest.reread import reread_fact
from calltally.providers.callback import RecordSource
from calltally.providers.provider import ProviderKind
from calltally.providers.registry import GENERIC, PROVIDERS, RECORDS, WEBHOOKS
from calltally.store.backends.open import migrate
from calltally.store.listing.list_calls import list_calls
from calltally.store.maintenance.refold_all import refold_calls, refold_position
from tests.conftest import TENANT, Bench, records_of
from tests.integration.store.probing import downgrade, submit, verdict
from tests.sample_facts import own
from tests.unit.providers.sampling import NOW_US, samples_of, signed
from tests.unit.providers.sampling import records_of as samples_in

# What the release before did not read of the bodies, and its words.
UNREAD_BEFORE: Final = ("hung_up_by", "unread_fields", "answered_by", "error_code")
FORMER: Final = {"remote-hung-up": "caller-hung-up", "local-hung-up": "agent-hung-up"}


def callbacks() -> list[Fact]:
    """Return the facts of all providers' callbacks."""
    found: list[Fact] = []
    for name in WEBHOOKS:
        for sent in samples_of(name).story:
            facts = read_facts(PROVIDERS[name], signed(name, sent))
            assert not isinstance(facts, UnparsedBody)
            found += facts
    return found


def listed() -> list[Fact]:
    """Return the facts of the providers' lists, without files of switches."""
    names = [name for name in RECORDS if PROVIDERS[name].kind is not ProviderKind.SWITCH]
    files = {name: samples_in(name).file.splitlines(keepends=True) for name in names}
    items = [
        each
        for name, file in files.items()
        for each in RECORDS[name](file, RecordSource(Channel.PROVIDER_LIST, NOW_US, "its-account"))
    ]
    return [each for each in items if isinstance(each, Fact)]


def former(fact: Fact) -> Fact:
    """Return a fact as the release before read it."""
    if fact.provider.startswith(GENERIC.name) or fact.channel == Channel.OWN_EVENT:
        return fact
    stated: Any = {name: value for name, value in fact.stated.items() if name not in UNREAD_BEFORE}
    if "end_reason" in stated:
        stated["end_reason"] = FORMER.get(stated["end_reason"], stated["end_reason"])
    return msgspec.structs.replace(fact, stated=stated)


def calls_of(bench: Bench) -> dict[str, dict[str, Any]]:
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(limit=1_000))))
    written = ("revision", "updated_at")
    return {
        call["call_sid"]: {name: value for name, value in call.items() if name not in written}
        for call in records_of(page)
    }


def test_a_database_of_the_release_before_is_mended(new_bench: Callable[[], Bench]) -> None:
    facts = [*callbacks(), *listed(), own(1, "own-1", status="completed", end_reason="caller-hung-up")]
    present, bench = new_bench(), new_bench()
    for each in (present, bench):
        each.now_us = NOW_US
    submit(present, *facts)
    submit(bench, *map(former, facts))
    expected, before = calls_of(present), calls_of(bench)
    downgrade(bench.url, "0013")
    migrate(bench.url)
    assert bench.run(bench.store.read(refold_position(TENANT))) is not None
    reread = partial(reread_fact, providers=PROVIDERS)
    while bench.run(bench.store.write(refold_calls(TENANT, 7, NOW_US, reread))):
        pass
    assert calls_of(bench) == expected
    changed = Counter(call["provider"] for sid, call in expected.items() if call != before[sid])
    assert changed >= Counter(freeswitch=2, plivo=2, telnyx=1, twilio=1, vonage=1)
    assert verdict(bench).findings == []


def test_bodies_that_cannot_be_read_again_change_nothing() -> None:
    for fact in (*callbacks(), *listed()):
        for raw in (b"", b"\xff", b"{}", b"a=1"):
            cut = msgspec.structs.replace(fact, raw=raw)
            assert reread_fact(cut, PROVIDERS) == cut


def test_routes_of_the_time_of_receipt_are_kept() -> None:
    for fact in callbacks():
        routed: StatedFields = {**fact.stated, "mapped_route": "support", "mapped_agent": "vera"}
        again = reread_fact(msgspec.structs.replace(former(fact), stated=routed), PROVIDERS)
        assert again.stated == routed
