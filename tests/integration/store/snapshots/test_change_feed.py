"""A copy that follows the change feed equals the source whenever the feed has no more changes."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.errors import NotFound
from calltally.calls.events import Fact
from calltally.calls.identity import Node
from calltally.calls.list_query import ListQuery
from calltally.store.db.interface import Store, Submission
from calltally.store.listing.list_calls import list_calls
from calltally.store.listing.seek import SEPARATOR
from calltally.store.maintenance.erasure import erase_call
from calltally.store.snapshots.change_feed import ChangeFeedPage, changes_after
from calltally.store.snapshots.tokens import SNAPSHOT, make_token
from calltally.store.tenants.tenants import add_tenant, new_epoch
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import listed, submit, verified
from tests.integration.store.test_concurrency import stores
from tests.sample_facts import fact, own
from tests.strategies import SIDS, facts

WRITERS, COMMITS = 4, 40
_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])

Call = dict[str, Any]
Follow = int
# Facts of one commit, a SID of a call to erase, or a number of changes to follow.
Move = list[Fact] | str | Follow


class Copy:
    """Copy of a ledger, and its position in the feed."""

    def __init__(self, after: int | str = 0, calls: list[Call] | None = None) -> None:
        self.after: int | str = after
        self.reached = 0
        self.calls = {call["id"]: call for call in calls or []}

    def apply(self, changed: ChangeFeedPage) -> None:
        reported = [json.loads(document) for document in changed.documents]
        revisions = [each["revision"] for each in reported]
        assert revisions == sorted(set(revisions))
        assert all(self.reached < revision <= changed.reached for revision in revisions)
        assert len({each["id"] for each in reported}) == len(reported)
        for each in reported:
            # Null in the row of a call that is there.
            if each.pop("tombstone") is not None:
                self.calls.pop(each["id"], None)
            else:
                self.calls[each["id"]] = each
        self.after, self.reached = changed.position, changed.reached


def as_copied(calls: list[Call]) -> dict[str, Call]:
    return {call["id"]: call for call in calls}


# ------------------------------------------------------------------------------------------ one by one

moves = st.lists(
    st.lists(facts(), min_size=1, max_size=5) | st.sampled_from(SIDS) | st.sampled_from([1, 1, 2, 3, 1000]),
    min_size=4,
    max_size=16,
)


def test_copy_equals_the_source_when_there_are_no_more_changes(bench: Bench) -> None:
    caught_up = 0

    @_SLOW
    @given(moves)
    def check(history: list[Move]) -> None:
        nonlocal caught_up
        tenant = bench.new_tenant()
        copy = Copy()
        for move in history:
            if isinstance(move, int):
                caught_up += follow(bench, tenant, copy, move)
            else:
                do(bench, tenant, move)
        while not follow(bench, tenant, copy, 2):
            pass

    check()
    assert caught_up > examples(10) * 2 // 5


def follow(bench: Bench, tenant: str, copy: Copy, limit: int) -> bool:
    """Follow one page. Return True if it was the last one, after comparing the copy with the source."""
    changed = bench.run(bench.store.read(changes_after(tenant, copy.after, limit)))
    assert len(changed.documents) <= limit
    copy.apply(changed)
    if not changed.has_more:
        assert copy.calls == as_copied(listed(bench, tenant))
    return not changed.has_more


def do(bench: Bench, tenant: str, move: list[Fact] | str) -> None:
    if isinstance(move, str):
        bench.run(erase_if_there(bench.store, tenant, move))
    else:
        submit(bench, *move, tenant=tenant)


async def erase_if_there(store: Store, tenant: str, sid: str) -> None:
    with suppress(NotFound):
        await store.write(erase_call(tenant, sid, NOW_US))


def test_copy_of_a_snapshot_catches_up(bench: Bench) -> None:
    @_SLOW
    @given(moves, moves)
    def check(before: list[Move], since: list[Move]) -> None:
        tenant = bench.new_tenant()
        for move in before:
            if not isinstance(move, int):
                do(bench, tenant, move)
        page = bench.run(bench.store.read(list_calls(tenant, ListQuery(limit=1000))))
        copy = Copy(page.snapshot, [json.loads(each) for each in page.records.split(SEPARATOR) if each])
        for move in since:
            if isinstance(move, int):
                follow(bench, tenant, copy, move)
            else:
                do(bench, tenant, move)
        while not follow(bench, tenant, copy, 3):
            pass

    check()


# ------------------------------------------------------------------------------------------ all at once


@pytest.mark.parametrize("new_database", ["postgres"], indirect=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_copy_equals_the_snapshot_of_its_revision_during_writes(
    new_database: Callable[[], str], seed: int
) -> None:
    asyncio.run(crowd(new_database(), seed))


async def crowd(url: str, seed: int) -> None:
    async with stores(url, WRITERS + 1) as [reader, *writers]:
        await reader.write(add_tenant(TENANT, TENANT, NOW_US, new_epoch()))
        writing = asyncio.gather(*(write(store, Random(seed * 100 + n)) for n, store in enumerate(writers)))
        compared = await copy_during_writes(reader, writing, Random(seed))
        await writing
        assert compared > COMMITS // 2
        assert (await verified(reader, TENANT)).findings == []


async def write(store: Store, random: Random) -> None:
    """Commit a few facts of few calls, which are often linked and sometimes erased."""
    for number in range(COMMITS):
        if number % 9 == 8:
            await erase_if_there(store, TENANT, sid_of(random))
        reported = [report(random, number) for _ in range(random.randint(1, 6))]
        await store.submit([Submission(TENANT, each) for each in reported])


def sid_of(random: Random) -> str:
    return f"{random.choice(('CA', 'own-'))}{random.randrange(150):03}"


def report(random: Random, number: int) -> Fact:
    links = (Node(sid_of(random), is_carrier=False),) if random.random() < 0.1 else ()
    at = random.choice((number, -60 * number, 3_600 * number))
    status = random.choice(("ringing", "in-progress", "completed", "busy"))
    new_fact = random.choice((fact, own))
    return new_fact(at, sid_of(random), status=status, summary=f"Said {random.random()}.", links=links)


async def copy_during_writes(store: Store, writing: "asyncio.Future[Any]", random: Random) -> int:
    """Follow during writes. Return how often the copy was complete and equal to the source."""
    copy, compared, is_last = Copy(), 0, False
    while not is_last:
        # True if this page is read after the last commit.
        is_written = writing.done()
        changed = await store.read(changes_after(TENANT, copy.after, random.choice((1, 5, 30, 1000))))
        copy.apply(changed)
        if not changed.has_more:
            await compare(store, copy, changed)
            compared += 1
            is_last = is_written
    return compared


async def compare(store: Store, copy: Copy, changed: ChangeFeedPage) -> None:
    """Compare the copy with the pages of exactly the revision that it has reached."""
    token = make_token(SNAPSHOT, changed.ledger_head, changed.reached)
    assert changed.reached == changed.ledger_head.revision
    displayed = await store.read(list_calls(TENANT, ListQuery(limit=1000, snapshot=token)))
    calls = as_copied([json.loads(each) for each in displayed.records.split(SEPARATOR) if each])
    assert displayed.total == len(calls)
    assert calls.keys() == copy.calls.keys()
    for call_id, call in calls.items():
        copied = copy.calls[call_id]
        if call.get("erased"):
            # Erased since then: the snapshot has only its position.
            assert call["created_at"] == copied["created_at"]
        else:
            assert call == copied
