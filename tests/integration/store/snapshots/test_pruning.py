"""Pruning deletes exactly the rows that no snapshot needs, also during writes."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.events import Fact
from calltally.calls.identity import uuid_text
from calltally.calls.times import SECOND_US
from calltally.store.backends.open import sqlite_path
from calltally.store.db.operation import StoreOperation
from calltally.store.maintenance.erasure import erase_call
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.pruning import (
    MARK_EVERY_US,
    advance_kept_from,
    is_pruning_due,
    mark_head,
    prune_history,
    prune_holds,
)
from calltally.store.snapshots.tokens import LedgerHead
from calltally.store.verify.revisions import check_revisions
from tests.conftest import NOW_US, TENANT, Bench
from tests.examples import examples
from tests.integration.store.probing import Direct, direct, submit, verdict
from tests.sample_facts import fact, own
from tests.strategies import facts

HOUR_US: Final = 3_600 * SECOND_US
KEEP_US: Final = 48 * HOUR_US
# Without telephone numbers, which an erasure deletes at once.
COLUMNS = "id, created_us, status, direction, route, agent, provider, escalated"
ENDED = {
    "call_versions": "valid_to <= ?",
    "count_history": "valid_to <= ?",
    "call_texts": "valid_to <= ?",
    "ledger_marks": "revision < ?",
}
_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])

Rows = dict[tuple[Any, ...], tuple[Any, ...]]


class LedgerState(NamedTuple):
    """State of a ledger as of a revision: calls by id, counters by their key."""

    calls: Rows
    counts: Rows


class Ledger:
    """A tenant's ledger, and its state after each commit."""

    def __init__(self, bench: Bench, db: Direct) -> None:
        self.bench, self._db = bench, db
        self.tenant = bench.new_tenant()
        self.now_us = NOW_US
        self.observed: dict[int, LedgerState] = {0: LedgerState({}, {})}
        # Time until which each revision was the head.
        self._last_us = {0: NOW_US}

    def write(self, operation: StoreOperation[Any]) -> Any:  # noqa: ANN401 (whatever a step gives)
        return self.bench.run(self.bench.store.write(operation))

    @property
    def ledger_head(self) -> LedgerHead:
        return self.bench.run(self.bench.store.read(read_ledger_head(self.tenant)))

    def report(self, reported: list[Any]) -> None:
        self._note()
        self.bench.now_us = self.now_us
        submit(self.bench, *reported, tenant=self.tenant)
        self._look()

    def erase(self) -> None:
        """Erase one of its calls, if there is any."""
        self._note()
        for (call_id,) in self._rows("SELECT id FROM calls WHERE tenant = ? ORDER BY id LIMIT 1"):
            self.write(erase_call(self.tenant, uuid_text(call_id), self.now_us))
        self._look()

    def _look(self) -> None:
        head = self.ledger_head.revision
        self.observed[head] = LedgerState(self._calls(head), self._counts(head))
        self._note()

    def _note(self) -> None:
        self._last_us[max(self.observed)] = self.now_us

    def check(self) -> None:
        """Check that kept revisions are unchanged, and that all recent heads are kept."""
        self._note()
        kept_from = self.ledger_head.kept_from
        for revision, observed in self.observed.items():
            if revision >= kept_from:
                assert self._calls(revision) == observed.calls
                assert self._counts(revision) == observed.counts
            else:
                assert self._last_us[revision] <= self.now_us - KEEP_US
        revisions = self.bench.run(self.bench.store.read(check_revisions(self.tenant)))
        assert revisions.findings == []

    def _rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        rows = self._db(sql, self.tenant, *params)
        return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows]

    def _calls(self, as_of: int) -> Rows:
        live = self._rows(f"SELECT {COLUMNS} FROM calls WHERE tenant = ? AND revision <= ?", as_of)
        ended = f"SELECT {COLUMNS} FROM call_versions WHERE tenant = ? AND valid_from <= ? AND valid_to > ?"
        then = live + self._rows(ended, as_of, as_of)
        by_id = {row[:1]: row[1:] for row in then}
        assert len(by_id) == len(then)
        return by_id

    def _counts(self, as_of: int) -> Rows:
        """Return each counter by walking back: the predecessor of a row ended when the row began."""
        columns = "facet, width_s, bucket_s, revision, calls, busy_unknown, completed_inbound"
        rows = self._rows(f"SELECT valid_to, {columns} FROM count_history WHERE tenant = ?")
        before = {(*row[1:4], row[0]): row[4:] for row in rows}
        held: Rows = {}
        for row in self._rows(f"SELECT {columns} FROM counts WHERE tenant = ?"):
            key = row[:3]
            state: tuple[Any, ...] | None = row[3:]
            while state is not None and state[0] > as_of:
                state = before.get((*key, state[0]))
            if state is not None and state[1]:
                held[key] = state[1:]
        return held

    def left(self) -> dict[str, int]:
        """Count the remaining unneeded rows by table."""
        kept_from = self.ledger_head.kept_from
        return {
            table: self._rows(f"SELECT count(*) FROM {table} WHERE tenant = ? AND {which}", kept_from)[0][0]
            for table, which in ENDED.items()
        }

    def count(self, table: str) -> int:
        [(rows,)] = self._rows(f"SELECT count(*) FROM {table} WHERE tenant = ?")
        return int(rows)


def news(number: int) -> Fact:
    """Return a fact that changes its call."""
    return fact(number, sequence=number, status="ringing", tags=[str(number)])


def _mark(ledger: Ledger) -> None:
    ledger.write(mark_head(ledger.tenant, ledger.now_us))


def _advance(ledger: Ledger) -> None:
    before = ledger.ledger_head.kept_from
    ledger.write(advance_kept_from(ledger.tenant, ledger.now_us, KEEP_US))
    assert before <= ledger.ledger_head.kept_from <= ledger.ledger_head.revision
    ledger.check()


def _prune(most: int) -> Callable[[Ledger], None]:
    def prune_batch(ledger: Ledger) -> None:
        ledger.write(prune_history(ledger.tenant, most))
        ledger.check()

    return prune_batch


def _wait(hours: float) -> Callable[[Ledger], None]:
    def wait(ledger: Ledger) -> None:
        ledger.now_us += int(hours * HOUR_US)

    return wait


def _advance_later(ledger: Ledger) -> None:
    for act in (_mark, _wait(49), _advance):
        act(ledger)


work = st.sampled_from([_mark, _mark, _advance, _advance_later, _prune(1), _prune(5), _prune(1_000)])
waits = st.sampled_from([_wait(0.01), _wait(0.2), _wait(20), _wait(47)])
reported = st.lists(facts(), min_size=1, max_size=3).map(lambda each: lambda ledger: ledger.report(each))
writes = st.one_of(reported, reported, reported, st.just(Ledger.erase))


def test_pruning_keeps_rows_of_kept_snapshots_and_deletes_the_rest(bench: Bench) -> None:
    with direct(bench.url) as db:

        @_SLOW
        @given(st.lists(st.one_of(writes, writes, work, work, waits), min_size=25, max_size=50))
        def check(acts: list[Callable[[Ledger], None]]) -> None:
            ledger = Ledger(bench, db)
            for act in acts:
                act(ledger)
            _end(ledger)

        check()


def _end(ledger: Ledger) -> None:
    """Check that all deletable rows are deleted long after the last fact."""
    _wait(1)(ledger)
    _advance_later(ledger)
    while ledger.write(prune_history(ledger.tenant, 7)):
        ledger.check()
    ledger_head = ledger.ledger_head
    assert ledger_head.kept_from == ledger_head.revision
    assert set(ledger.left().values()) == {0}
    assert [ledger.count(table) for table in ("call_versions", "count_history")] == [0, 0]
    assert ledger.count("ledger_marks") <= 1
    due = is_pruning_due(ledger.tenant, ledger.now_us + KEEP_US, KEEP_US)
    assert ledger.bench.run(ledger.bench.store.read(due)) is False
    assert verdict(ledger.bench, ledger.tenant).findings == []


@pytest.fixture
def ledger(bench: Bench) -> Iterator[Ledger]:
    with direct(bench.url) as db:
        yield Ledger(bench, db)


def test_mark_is_made_every_five_minutes_while_the_head_moves(ledger: Ledger) -> None:
    def marked(after_us: int) -> int | None:
        revision: int | None = ledger.write(mark_head(ledger.tenant, NOW_US + after_us))
        return revision

    assert marked(0) is None
    ledger.report([fact(1)])
    assert marked(0) == 1
    ledger.report([fact(2, status="ringing")])
    assert marked(MARK_EVERY_US - 1) is None
    assert marked(MARK_EVERY_US) == 2
    assert marked(9 * MARK_EVERY_US) is None


def test_mark_in_the_future_does_not_prevent_others(ledger: Ledger) -> None:
    ledger.report([fact(1)])
    assert ledger.write(mark_head(ledger.tenant, NOW_US + 900 * HOUR_US)) == 1
    ledger.report([fact(2, status="ringing")])
    assert ledger.write(mark_head(ledger.tenant, NOW_US)) == 2


def test_oldest_kept_revision_never_moves_back(ledger: Ledger) -> None:
    def advanced(now_us: int) -> int | None:
        revision: int | None = ledger.write(advance_kept_from(ledger.tenant, now_us, KEEP_US))
        return revision

    for number in range(3):
        ledger.report([news(number)])
        ledger.write(mark_head(ledger.tenant, NOW_US + number * HOUR_US))
    later_us = NOW_US + KEEP_US
    assert advanced(later_us - 1) is None
    assert ledger.ledger_head.kept_from == 0
    assert advanced(later_us + HOUR_US) == 2
    assert advanced(later_us) is None
    assert advanced(later_us + HOUR_US) is None
    assert ledger.ledger_head.kept_from == 2


def test_everything_is_kept_without_old_marks(ledger: Ledger) -> None:
    for number in range(3):
        ledger.report([news(number)])
    assert ledger.write(advance_kept_from(ledger.tenant, NOW_US + 9 * KEEP_US, KEEP_US)) is None
    assert ledger.write(prune_history(ledger.tenant, 1_000)) == 0
    assert ledger.count("call_versions") == 2


def test_batch_is_limited_and_affects_one_tenant(ledger: Ledger) -> None:
    other = Ledger(ledger.bench, ledger._db)
    for each in (ledger, other):
        for number in range(20):
            each.report([news(number)])
    _mark(ledger)
    _wait(49)(ledger)
    _advance(ledger)
    tables = ("call_versions", "count_history")
    before = sum(ledger.count(table) for table in tables)
    assert ledger.write(prune_history(ledger.tenant, 5)) == 5
    assert sum(ledger.count(table) for table in tables) == before - 5
    while ledger.write(prune_history(ledger.tenant, 5)):
        pass
    assert sum(ledger.count(table) for table in tables) == 0
    assert other.count("call_versions") == 19
    other.check()


def test_is_pruning_due_detects_pending_work(ledger: Ledger) -> None:
    def due(now_us: int) -> bool:
        return ledger.bench.run(ledger.bench.store.read(is_pruning_due(ledger.tenant, now_us, KEEP_US)))

    assert not due(NOW_US)
    ledger.report([fact(1)])
    ledger.report([fact(2, status="ringing")])
    assert due(NOW_US)
    _mark(ledger)
    assert not due(NOW_US + KEEP_US - 1)
    later_us = NOW_US + KEEP_US
    assert due(later_us)
    ledger.write(advance_kept_from(ledger.tenant, later_us, KEEP_US))
    assert due(later_us)
    ledger.write(prune_history(ledger.tenant, 1_000))
    assert not due(later_us)


def test_words_leave_the_index_with_their_texts(ledger: Ledger) -> None:
    for number, word in enumerate(("tulips", "roses", "lilies")):
        ledger.report([own(number, sequence=number, summary=f"Asked for {word}.")])
    _mark(ledger)
    _wait(49)(ledger)
    _advance(ledger)
    assert ledger.count("call_texts") == 3
    ledger.write(prune_history(ledger.tenant, 1_000))
    assert ledger.count("call_texts") == 1
    if sqlite_path(ledger.bench.url):
        with direct(ledger.bench.url) as db:
            # Fails unless the index matches the remaining texts.
            db("INSERT INTO call_words (call_words, rank) VALUES ('integrity-check', 1)")


def test_expired_hold_stays_for_a_while(ledger: Ledger) -> None:
    def pruned(now_us: int) -> int:
        rows: int = ledger.write(prune_holds(ledger.tenant, now_us, KEEP_US, 10))
        return rows

    for number in range(2):
        ledger.report([news(number)])
    for name, revision in (("old", 1), ("kept", 2)):
        ledger._db("INSERT INTO holds VALUES (?, ?, ?, ?)", ledger.tenant, name, revision, NOW_US)
    _mark(ledger)
    assert pruned(NOW_US + 9 * KEEP_US) == 0
    _wait(49)(ledger)
    _advance(ledger)
    assert pruned(NOW_US + 2 * KEEP_US - 1) == 0
    assert pruned(NOW_US + 2 * KEEP_US) == 1
    assert ledger._db("SELECT name FROM holds WHERE tenant = ?", ledger.tenant) == [("kept",)]


def test_verify_finds_rows_that_pruning_should_have_kept(ledger: Ledger) -> None:
    """Verification checks the required rows even where history was pruned."""
    for number in range(6):
        ledger.report([news(number)])
        if number == 2:
            _mark(ledger)
    _wait(49)(ledger)
    _advance(ledger)
    ledger.write(prune_history(ledger.tenant, 1_000))
    assert verdict(ledger.bench, ledger.tenant).findings == []
    twice = "INSERT INTO tombstones (tenant, revision, id, created_us) SELECT tenant, 4, id, 1 FROM calls"
    for sql, invariants in (
        ("UPDATE ledger_heads SET kept_from = 2 WHERE tenant = ?", {4}),
        ("UPDATE ledger_heads SET kept_from = 7 WHERE tenant = ?", {4}),
        ("UPDATE ledger_heads SET kept_from = 3 WHERE tenant = ?", set()),
        (f"{twice} WHERE tenant = ?", {4}),
        ("DELETE FROM tombstones WHERE tenant = ?", set()),
        ("DELETE FROM call_versions WHERE tenant = ? AND valid_from = 3", {4}),
    ):
        ledger._db(sql, ledger.tenant)
        assert {found.invariant for found in verdict(ledger.bench, ledger.tenant).findings} == invariants, sql


def test_pruning_does_not_cross_tenants(ledger: Ledger) -> None:
    submit(ledger.bench, fact(1), fact(2, status="ringing"))
    ledger.write(mark_head(TENANT, NOW_US))
    assert ledger.write(advance_kept_from(ledger.tenant, NOW_US + 9 * KEEP_US, KEEP_US)) is None
    assert ledger.ledger_head.kept_from == 0
