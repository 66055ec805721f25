"""The list equals a naive one in memory: any filter, window, order, limit and offset, on both databases."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.events import Fact
from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.calls.times import SECOND_US, parse_instant
from calltally.store.db.interface import Submission
from calltally.store.listing import seek
from calltally.store.listing.list_calls import list_calls
from tests.conftest import NOW_US, Bench, records_of
from tests.examples import examples
from tests.strategies import SIDS, facts, instants_us

Call = dict[str, Any]
_SLOW = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])

# Last digits, a number in national writing, and the end of none.
ENDINGS = ("0101", "50101", "5550101", "95550101", "0200", "00200")

# Each commit of the tests is a second later than the one before.
updates_us = st.integers(0, 9).map(lambda commits: NOW_US + commits * SECOND_US)
queries = st.builds(
    ListQuery,
    filter=st.builds(
        CallFilter,
        statuses=st.lists(
            st.sampled_from(["queued", "ringing", "completed", "failed"]), max_size=2, unique=True
        ).map(tuple),
        direction=st.sampled_from([None, None, "inbound", "outbound"]),
        from_us=st.none() | instants_us,
        to_us=st.none() | instants_us,
        route=st.sampled_from([None, None, None, "support", "sales"]),
        agent=st.sampled_from([None, None, None, "vera"]),
        provider=st.sampled_from([None, None, None, "twilio"]),
        call_sid=st.sampled_from([None, None, None, None, *SIDS]),
        call_sid_prefix=st.sampled_from([None, None, None, None, *(sid[:8] for sid in SIDS)]),
        number=st.sampled_from([None, None, None, "+15550101", "200", *ENDINGS]),
        international=st.sampled_from([None, None, "495550101"]),
        from_number=st.sampled_from([None, None, None, None, "+15550101", *ENDINGS]),
        from_international=st.sampled_from([None, None, "495550101"]),
        to_number=st.sampled_from([None, None, None, None, "200", "+15550101", *ENDINGS]),
        to_international=st.sampled_from([None, None, "495550100"]),
        parent_call_sid=st.sampled_from([None, None, None, None, SIDS[0], SIDS[2]]),
        updated_from_us=st.none() | st.none() | updates_us,
        updated_to_us=st.none() | st.none() | updates_us,
        escalated=st.sampled_from([None, None, None, True, False]),
        q=st.sampled_from([None, None, None, None, "KEPT", "mov*", "kept moved"]),
    ),
    limit=st.sampled_from([1, 2, 3, 1000]),
    offset=st.sampled_from([0, 0, 1, 2, 7]),
    order=st.sampled_from(["desc", "asc"]),
)


@pytest.mark.parametrize("opening", ["above a size", "always"])
def test_page_equals_a_naive_list(bench: Bench, opening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if opening == "always":
        # A few calls then take the path that otherwise only thousands take.
        monkeypatch.setattr(seek, "_NOT_WORTH_OPENING", 0)

    @_SLOW
    @given(st.lists(facts(), min_size=1, max_size=30), st.lists(queries, min_size=1, max_size=20))
    def check(reported: list[Fact], requested: list[ListQuery]) -> None:
        tenant = bench.new_tenant()
        bench.now_us = NOW_US
        for some in (reported[:10], reported[10:15], *([fact] for fact in reported[15:])):
            bench.run(bench.store.submit([Submission(tenant, fact) for fact in some]))
            bench.now_us += SECOND_US
        calls = records_of(bench.run(bench.store.read(list_calls(tenant, ListQuery(limit=1000)))))
        same = linked(reported)
        for query in requested:
            page = bench.run(bench.store.read(list_calls(tenant, query)))
            expected = naive(calls, query, same)
            assert page.total == len(expected)
            window = expected[query.offset : query.offset + query.limit]
            assert records_of(page) == window

    check()


def linked(reported: list[Fact]) -> dict[str, set[str]]:
    """Return the linked SIDs of each SID by repeated merging: slow and simple."""
    same = {sid: {sid} for sid in SIDS}
    for fact in reported:
        for link in fact.links:
            merged = same[fact.call_sid] | same[link.call_sid]
            same |= dict.fromkeys(merged, merged)
    return same


def naive(
    calls: list[Call], query: ListQuery, same: dict[str, set[str]], of: list[Call] | None = None
) -> list[Call]:
    """Return the expected list; `of` has the original calls if `calls` have changed since."""
    were = zip(calls, of or calls, strict=True)
    matching = [call for call, was in were if _matches(was, query.filter, same)]
    return sorted(matching, key=lambda call: (call["created_at"], call["id"]), reverse=query.order == "desc")


def _matches(call: Call, calls: CallFilter, same: dict[str, set[str]]) -> bool:
    created_us, updated_us = parse_instant(call["created_at"]), parse_instant(call["updated_at"])
    exact = ("direction", "route", "agent", "provider", "escalated", "parent_call_sid")
    return (
        (not calls.statuses or call["status"] in calls.statuses)
        and (calls.from_us is None or calls.from_us <= created_us)
        and (calls.to_us is None or created_us < calls.to_us)
        and (calls.call_sid is None or call["call_sid"] in same[calls.call_sid])
        and (calls.call_sid_prefix is None or _begins(same[call["call_sid"]], calls.call_sid_prefix))
        and (calls.updated_from_us is None or calls.updated_from_us <= updated_us)
        and (calls.updated_to_us is None or updated_us < calls.updated_to_us)
        and _has_number((call["from_number"], call["to_number"]), calls.number, calls.international)
        and _has_number((call["from_number"],), calls.from_number, calls.from_international)
        and _has_number((call["to_number"],), calls.to_number, calls.to_international)
        and _has_words(call["summary"], calls.q)
        and all(getattr(calls, name) in (None, call[name]) for name in exact)
    )


def _begins(sids: set[str], prefix: str) -> bool:
    return any(sid.startswith(prefix) for sid in sids)


def _has_number(parties: tuple[str | None, ...], number: str | None, international: str | None) -> bool:
    if number is None:
        return True
    if not number.isdigit() or len(number) < 4:
        return number in parties
    digits = ["".join(each for each in party or "" if each not in " ().-/") for party in parties]
    ends = [end for end in (number, international or number) if end[-4:] == number[-4:]]
    return any(each.endswith(tuple(ends)) for each in digits)


def _has_words(summary: str | None, q: str | None) -> bool:
    """The summaries of the strategies have one word, so that prefixes are simple to match."""
    word = (summary or "").rstrip(".").lower()
    requested = (q or "").lower().split()
    return all(word.startswith(each[:-1]) if each.endswith("*") else word == each for each in requested)
