"""A read sees one state of the database from its first statement to its last, and cannot write."""

from typing import NamedTuple

import pytest

from calltally.calls.events import Fact
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.snapshots.ledger_head import read_ledger_head
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.sample_facts import own


class Observed(NamedTuple):
    """Return the head of a ledger before and after another connection moves it."""

    before: int
    after: int


def moved_meanwhile(url: str) -> StoreOperation[Observed]:
    before = yield from read_ledger_head(TENANT)
    with direct(url) as db:
        db("UPDATE ledger_heads SET revision = revision + 1 WHERE tenant = ?", TENANT)
    after = yield from read_ledger_head(TENANT)
    return Observed(before.revision, after.revision)


@pytest.mark.parametrize("long", [False, True])
def test_concurrent_commit_is_visible_to_the_next_read(bench: Bench, long: bool) -> None:  # noqa: FBT001
    reported: Fact = own(1, "call-1")
    submit(bench, reported)
    reads = [bench.run(bench.store.read(moved_meanwhile(bench.url), long=long)) for _ in range(3)]
    assert reads == [Observed(revision, revision) for revision in (1, 2, 3)]


def writing() -> StoreOperation[None]:
    yield Statement("keep_from", {"tenant": TENANT, "revision": 5})


def test_read_that_writes_fails_and_the_next_read_works(bench: Bench) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match=r"read-?only|readonly"):
            bench.run(bench.store.read(_read_after(writing())))
        assert bench.run(bench.store.read(read_ledger_head(TENANT))).kept_from == 0


def _read_after(operation: StoreOperation[None]) -> StoreOperation[int]:
    yield from operation
    return (yield from read_ledger_head(TENANT)).revision
