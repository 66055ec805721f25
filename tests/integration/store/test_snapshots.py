"""Invariant 5: pages under a snapshot equal the full list of its instant, whatever is written since."""

import json
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from calltally.calls.errors import SnapshotGone
from calltally.calls.events import Fact
from calltally.calls.filters import CallFilter
from calltally.calls.identity import call_uuid, parse_uuid, uuid_text
from calltally.calls.list_query import ListQuery
from calltally.calls.model import CALL_FIELDS, OPEN, STATUSES, Status
from calltally.calls.times import SECOND_US
from calltally.store.db.interface import Submission
from calltally.store.db.operation import StoreOperation
from calltally.store.listing import scan, seek, seek_as_of, total_bound
from calltally.store.listing.browse import BrowsePosition, browse, count, count_fresh
from calltally.store.listing.list_calls import ListedPage, list_calls
from calltally.store.maintenance.erasure import erase_call
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.examples import examples
from tests.integration.store.test_list_oracle import Call, linked, naive, queries
from tests.sample_facts import own
from tests.strategies import SIDS, facts

T = TypeVar("T")
ALL = ListQuery(limit=1000)
MOST_EXAMPLES = examples(10)
SHAPES = ["above a size", "always"]


class Taken:
    """Snapshot with the full list of its instant, and the linked SIDs at that time."""

    def __init__(self, listed: ListedPage, reported: list[Fact], erased: set[str]) -> None:
        self.token = listed.snapshot
        self.calls = records_of(listed)
        self.reported = list(reported)
        self.erased = set(erased)


class History(RuleBasedStateMachine):
    """Random writers on one tenant, and a reader of old snapshots."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.tenant = self.bench.new_tenant()
        self.bench.now_us = NOW_US
        self.reported: list[Fact] = []
        self.erased: set[str] = set()
        self.taken: list[Taken] = []
        self.changed_often = False

    @initialize(reported=st.lists(facts(), min_size=1, max_size=12))
    def begin(self, reported: list[Fact]) -> None:
        self._report(reported)
        self._take()

    @rule(reported=st.lists(facts(), min_size=1, max_size=6))
    def report_at_once(self, reported: list[Fact]) -> None:
        self._report(reported)

    @rule(reported=st.lists(facts(), min_size=1, max_size=3))
    def report_one_by_one(self, reported: list[Fact]) -> None:
        for fact in reported:
            self._report([fact])

    @precondition(lambda self: not self.changed_often)
    @rule(sid=st.sampled_from(SIDS), status=st.sampled_from(STATUSES), times=st.integers(60, 80))
    def change_often(self, sid: str, status: Status, times: int) -> None:
        """Change a bucket so often that a search of its history needs the milestones."""
        self.changed_often = True
        for round_number in range(times):
            status = STATUSES[(STATUSES.index(status) + 1) % len(OPEN)]
            self._report(
                [own(0, sid, event_id=f"turn {round_number} of {len(self.reported)}", status=status)]
            )
            if round_number % 13 == 0:
                self._take()

    @rule()
    def take(self) -> None:
        self._take()

    @precondition(lambda self: self.reported)
    @rule(sid=st.sampled_from(SIDS))
    def erase(self, sid: str) -> None:
        displayed = self._read(ALL)
        together = linked(self.reported)[sid]
        call = next((call for call in records_of(displayed) if call["call_sid"] in together), None)
        if call is not None:
            self.bench.run(self.bench.store.write(erase_call(self.tenant, call["call_sid"], NOW_US)))
            # Also calls that were merged into it; older snapshots have them by their own ids.
            self.erased |= {uuid_text(call_uuid(self.tenant, sid)) for sid in together}
            self.reported = [fact for fact in self.reported if fact.call_sid not in together]

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), requested=st.lists(queries, min_size=1, max_size=6))
    def read_the_past(self, data: st.DataObject, requested: list[ListQuery]) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        then = [self._as_displayed(call) for call in taken.calls]
        same = linked(taken.reported)
        for query in requested:
            if self._is_refused(taken, query):
                continue
            expected = naive(then, query, same, of=taken.calls)
            page = self._read(replace(query, snapshot=taken.token))
            assert page.total == len(expected)
            assert records_of(page) == expected[query.offset : query.offset + query.limit]
            assert page.snapshot == taken.token

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), query=queries)
    def go_on_after_a_call(self, data: st.DataObject, query: ListQuery) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        if not taken.calls or self._is_refused(taken, query):
            return
        last = data.draw(st.sampled_from(taken.calls))
        then = [self._as_displayed(call) for call in taken.calls]
        expected = naive(then, query, linked(taken.reported), of=taken.calls)
        behind = [call for call in expected if _is_behind(call, last, query.order)]
        page = self._read(replace(query, offset=0, after=parse_uuid(last["id"]), snapshot=taken.token))
        assert page.total == len(expected)
        assert page.offset == len(expected) - len(behind)
        assert records_of(page) == behind[: query.limit]

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), requested=st.lists(queries, min_size=1, max_size=4))
    def browse_the_past(self, data: st.DataObject, requested: list[ListQuery]) -> None:
        """Compare the dashboard's pages: the same rows, with or without a total."""
        taken = data.draw(st.sampled_from(self.taken))
        for query in requested:
            expected = self._expected(taken, query)
            if expected is None:
                continue
            self._browse(query, taken, expected, None)
            if taken.calls:
                neighbour = data.draw(st.sampled_from(taken.calls))
                position = BrowsePosition(parse_uuid(neighbour["id"]) or b"", data.draw(st.booleans()))
                self._browse(query, taken, expected, (neighbour, position))

    def _browse(
        self,
        query: ListQuery,
        taken: Taken,
        expected: list[Call],
        neighbour: tuple[Call, BrowsePosition] | None,
    ) -> None:
        last = query.offset + query.limit
        displayed, more = expected[query.offset : last], len(expected) > last
        if neighbour is not None:
            call, position = neighbour
            behind = [each for each in expected if _is_behind(each, call, query.order)]
            ahead = [each for each in expected if each not in behind and each["id"] != call["id"]]
            displayed, more = behind[: query.limit], len(behind) > query.limit
            if position.is_before:
                displayed, more = ahead[-query.limit :], True
        requested = replace(query, snapshot=taken.token)
        page = self._run(browse(self.tenant, requested, None if neighbour is None else neighbour[1]))
        assert (json.loads(b"[%b]" % page.records), page.has_more) == (displayed, more)
        assert page.total in {None, len(expected)}
        if neighbour is None:
            assert page.at_least <= len(expected)
        assert self._run(count(self.tenant, requested)) == len(expected)
        assert page.snapshot == taken.token
        if neighbour is None:
            known = self._run(browse(self.tenant, requested))
            assert (known.records, known.has_more, known.total) == (page.records, more, len(expected))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), query=queries)
    def count_what_came_since(self, data: st.DataObject, query: ListQuery) -> None:
        taken = data.draw(st.sampled_from(self.taken))
        then = self._expected(taken, query)
        if then is not None and taken.erased == self.erased:
            now = self._read(replace(query, limit=1, offset=0)).total
            fresh = self._run(count_fresh(self.tenant, replace(query, snapshot=taken.token)))
            assert fresh == now - len(then)

    def _expected(self, taken: Taken, query: ListQuery) -> list[Call] | None:
        """Return the page of a query under a snapshot; None if it is refused."""
        if self._is_refused(taken, query):
            return None
        then = [self._as_displayed(call) for call in taken.calls]
        return naive(then, query, linked(taken.reported), of=taken.calls)

    def _run(self, operation: StoreOperation[T]) -> T:
        return self.bench.run(self.bench.store.read(operation))

    def _report(self, reported: list[Fact]) -> None:
        self.bench.now_us += SECOND_US
        recorded = self.bench.run(
            self.bench.store.submit([Submission(self.tenant, fact) for fact in reported])
        )
        self.reported += [
            fact for fact, each in zip(reported, recorded, strict=True) if each.call_id is not None
        ]

    def _take(self) -> None:
        self.taken.append(Taken(self._read(ALL), self.reported, self.erased))

    def _read(self, query: ListQuery) -> ListedPage:
        return self.bench.run(self.bench.store.read(list_calls(self.tenant, query)))

    def _as_displayed(self, call: Call) -> Call:
        if call["id"] not in self.erased:
            return call
        kept = {"id": call["id"], "created_at": call["created_at"], "erased": True}
        return dict.fromkeys(CALL_FIELDS) | kept

    def _is_refused(self, taken: Taken, query: ListQuery) -> bool:
        """Return whether a query is refused: by number, SID or words in a snapshot before an erasure."""
        calls = query.filter
        numbers = (calls.number, calls.from_number, calls.to_number)
        named = (*numbers, calls.parent_call_sid, calls.call_sid, calls.call_sid_prefix, calls.q)
        is_narrow = any(value is not None for value in named)
        if not is_narrow or taken.erased == self.erased:
            return False
        with pytest.raises(SnapshotGone, match="erased"):
            self._read(replace(query, snapshot=taken.token))
        return True


def _is_behind(call: Call, last: Call, order: str) -> bool:
    position, of_last = (call["created_at"], call["id"]), (last["created_at"], last["id"])
    return position < of_last if order == "desc" else position > of_last


@pytest.mark.parametrize("opening", SHAPES)
def test_pages_of_a_snapshot_equal_the_list_of_its_instant(
    bench: Bench, opening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if opening == "always":
        # A few calls then take the path that otherwise only thousands take.
        monkeypatch.setattr(seek, "_NOT_WORTH_OPENING", 0)
        monkeypatch.setattr(seek_as_of, "_FEW_CALLS", 0)
        monkeypatch.setattr(total_bound, "MAX_COUNTED", 3)
        for name, most in {"_INSPECTED": 2, "_FEW": 1}.items():
            monkeypatch.setattr(scan, name, most)
    machine = type("Machine", (History,), {"bench": bench})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=MOST_EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            # Shrinking a history takes minutes; the original history is as informative.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_calls_that_swap_statuses_change_their_bucket(bench: Bench) -> None:
    """Each counter stays the same, and yet the bucket changes."""
    one, other = "CA" + "1" * 32, "CA" + "2" * 32
    bench.run(
        bench.store.submit(
            [
                Submission(TENANT, own(0, one, event_id="a", status="ringing")),
                Submission(TENANT, own(0, other, event_id="b", status="queued")),
            ]
        )
    )
    before = bench.run(bench.store.read(list_calls(TENANT, ALL)))
    bench.run(
        bench.store.submit(
            [
                Submission(TENANT, own(0, one, event_id="c", status="queued", sequence=1)),
                Submission(TENANT, own(0, other, event_id="d", status="ringing", sequence=1)),
            ]
        )
    )
    ringing = ListQuery(filter=CallFilter(statuses=("ringing",)))
    assert [call["call_sid"] for call in _read(bench, ringing)] == [other]
    assert [call["call_sid"] for call in _read(bench, replace(ringing, snapshot=before.snapshot))] == [one]


def test_reader_without_a_snapshot_reads_calls_twice(bench: Bench) -> None:
    """Proves that the other tests can fail: the same writers and pages without a snapshot."""
    reported = [own(60 * number, f"call-{number}", event_id="new") for number in range(20)]
    bench.run(bench.store.submit([Submission(TENANT, fact) for fact in reported]))
    start = bench.run(bench.store.read(list_calls(TENANT, ALL)))
    steady: list[str] = []
    drifting: list[str] = []
    for offset in range(0, 20, 5):
        page = ListQuery(limit=5, offset=offset)
        steady += [call["id"] for call in _read(bench, replace(page, snapshot=start.snapshot))]
        drifting += [call["id"] for call in _read(bench, page)]
        bench.run(bench.store.submit([Submission(TENANT, own(6000, f"late-{offset}", event_id="late"))]))
        bench.run(bench.store.write(erase_call(TENANT, f"call-{offset // 5}", NOW_US)))
    expected = [call["id"] for call in records_of(start)]
    assert steady == expected
    assert sorted(drifting) != sorted(expected)
    assert len(set(drifting)) < len(drifting)


def _read(bench: Bench, query: ListQuery) -> list[Call]:
    return records_of(bench.run(bench.store.read(list_calls(TENANT, query))))
