"""ETags of the list: a poll without changes gets no body; a change of the response changes its ETag."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from calltally.calls.identity import Node
from calltally.store.db.interface import Store
from calltally.store.db.operation import Batch, Statement, StatementMany, StoreOperation
from tests.conftest import Bench
from tests.integration.store.probing import submit
from tests.integration.web.service import ADMIN, LIST, Answer, Service, slug
from tests.integration.web.walking import alter_head, another_service, erase, page
from tests.sample_facts import own

T = TypeVar("T")
BOTH = ("calls:read", "transcripts:read")


@pytest.fixture
def listed(service: Service) -> Service:
    """Record four calls."""
    facts = (own(60 * number, f"call-{number}", status="ringing", summary="Asked.") for number in range(4))
    submit(service.bench, *facts)
    return service


def tag_of(service: Service, query: str = "", **headers: str) -> str:
    answer = service.get(f"{LIST}?{query}", {**service.key, **headers})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["etag"])


def poll_again(service: Service, query: str, tag: str, method: str = "GET", **headers: str) -> Answer:
    return service.get(f"{LIST}?{query}", {**service.key, "if-none-match": tag, **headers}, method)


@pytest.mark.parametrize(
    "query", ["", "limit=2&offset=1", "status=ringing", "q=asked", "hold=a", "format=csv"]
)
def test_current_etag_gives_304_without_a_body(listed: Service, query: str) -> None:
    tag = tag_of(listed, query)
    assert tag.startswith('W/"')
    answer = poll_again(listed, query, tag)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert answer.headers["vary"] == "Authorization, Accept, Accept-Encoding"
    assert answer.headers["x-request-id"]
    assert {"content-type", "link", "content-encoding"}.isdisjoint(answer.headers)


@pytest.mark.parametrize("shape", ["{tag}", '"a", {tag}', "{strong}", 'W/"a" ,{strong}, "c"', "*"])
def test_if_none_match_may_have_any_form(listed: Service, shape: str) -> None:
    tag = tag_of(listed)
    assert poll_again(listed, "", shape.format(tag=tag, strong=tag[2:])).status_code == 304


@pytest.mark.parametrize("other", ['W/"a"', '"a", "b"', "a", "", '"*"'])
def test_other_etag_gets_the_page(listed: Service, other: str) -> None:
    answer = poll_again(listed, "", other)
    assert (answer.status_code, answer.json()) == (200, page(listed))


def test_head_has_the_etag_and_honours_it(listed: Service) -> None:
    head = listed.get(LIST, method="HEAD")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag_of(listed))
    assert poll_again(listed, "", head.headers["etag"], "HEAD").status_code == 304


def record_more(bench: Bench) -> None:
    submit(bench, own(9_000, "call-9"))


def change_one(bench: Bench) -> None:
    submit(bench, own(9_000, "call-1", event_id="e", status="busy"))


def erase_one(bench: Bench) -> None:
    erase(bench, "call-2")


def restore(bench: Bench) -> None:
    alter_head(bench, "epoch = 'epoch-2'")


@pytest.mark.parametrize("change", [record_more, change_one, erase_one, restore])
def test_etag_changes_with_the_ledger(listed: Service, change: Callable[[Bench], None]) -> None:
    before = page(listed)
    tag = tag_of(listed)
    change(listed.bench)
    answer = poll_again(listed, "", tag)
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag
    assert answer.json() != before


def test_under_a_snapshot_only_an_erasure_changes_it(listed: Service) -> None:
    for state in (f"snapshot={page(listed)['snapshot']}", "hold=nightly"):
        tag = tag_of(listed, state)
        record_more(listed.bench)
        change_one(listed.bench)
        assert poll_again(listed, state, tag).status_code == 304
    before, tag = page(listed, "hold=nightly"), tag_of(listed, "hold=nightly")
    erase_one(listed.bench)
    answer = poll_again(listed, "hold=nightly", tag)
    assert answer.status_code == 200
    assert answer.json() != before


def test_expired_snapshot_is_not_304(listed: Service) -> None:
    query = f"snapshot={page(listed)['snapshot']}"
    tag = tag_of(listed, query)
    alter_head(listed.bench, "kept_from = revision + 1")
    assert slug(poll_again(listed, query, tag)) == "snapshot-gone"


def test_each_query_has_its_own_etag(listed: Service) -> None:
    queries = ["", "limit=24", "offset=1", "order=asc", "status=ringing", "q=asked", "q=ask*", "hold=a"]
    tags = [tag_of(listed, query) for query in queries]
    tags += [tag_of(listed, "format=csv"), tag_of(listed, accept="application/x-ndjson")]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("limit=25&offset=0", ""),
        ("status=busy,ringing", "status=ringing&status=busy"),
        ("direction=inbound&limit=3", "limit=3&direction=inbound"),
        ("from=2026-10-01", "from=2026-10-01T02:00:00%2B02:00"),
        ("number=%2B14155550100", "number=%2B1%20415%20555%200100"),
    ],
)
def test_equivalent_queries_have_the_same_etag(listed: Service, one: str, same: str) -> None:
    assert tag_of(listed, one) == tag_of(listed, same)


def test_etag_depends_on_the_rights_of_the_key(listed: Service) -> None:
    reads_more = listed.new_key(*BOTH)
    other_key = listed.new_key("calls:read")
    for query, differs in (("q=asked", True), ("status=ringing", False)):
        tags = [
            listed.get(f"{LIST}?{query}", key).headers["etag"] for key in (listed.key, other_key, reads_more)
        ]
        assert tags[0] == tags[1]
        assert (tags[1] != tags[2]) is differs
    assert listed.get(LIST, {**listed.new_key("events:write"), "if-none-match": "*"}).status_code == 403
    assert listed.get(LIST, {"if-none-match": "*"}).status_code == 401


def test_etag_depends_on_the_tenant(listed: Service) -> None:
    theirs = listed.new_key("calls:read", tenant=listed.bench.add_tenant("bolt"))
    their_tag = listed.get(LIST, theirs).headers["etag"]
    assert their_tag != tag_of(listed)
    assert listed.get(f"{LIST}?tenant=bolt", {**ADMIN, "if-none-match": their_tag}).status_code == 200


def test_services_on_one_database_share_etags(listed: Service) -> None:
    with another_service(listed) as other:
        for query in ("", "status=ringing", "q=asked"):
            assert poll_again(other, query, tag_of(listed, query), **listed.key).status_code == 304


class Counting:
    """Store that records the statements of each read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dialect = store.dialect
        self.queued_writes = 0
        self.stalled_s = 0.0
        self.requested: list[str] = []

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        return await self._store.read(self._noted(operation), long=long)

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        noted = lambda: self._noted(make())  # noqa: E731 (it is only handed on)
        return await self._store.read_tenant(tenant, noted, at_least=at_least, long=long)

    def _noted(self, operation: StoreOperation[T]) -> StoreOperation[T]:
        request: Statement | StatementMany | Batch = next(operation)
        try:
            while True:
                each = request.statements if isinstance(request, Batch) else (request,)
                self.requested += [one.name for one in each]
                request = operation.send((yield request))
        except StopIteration as done:
            result: T = done.value
            return result

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


@pytest.mark.parametrize(
    "query", ["", "status=ringing&limit=1000", "q=asked", "number=100", "order=asc&offset=3"]
)
def test_poll_without_changes_costs_one_key_read(listed: Service, query: str) -> None:
    store = Counting(listed.bench.store)
    polled = Service(listed.bench, store=store)  # type: ignore[arg-type] # what it lacks it takes from the store
    tag = tag_of(polled, query)
    in_full = len(store.requested)
    store.requested.clear()
    assert poll_again(polled, query, tag).status_code == 304
    assert store.requested == ["standing_of_tenant"]
    assert in_full > 1


def test_newly_linked_sid_changes_the_etag_of_its_list(listed: Service) -> None:
    query = "call_sid=other-1"
    tag = tag_of(listed, query)
    submit(listed.bench, own(300, "other-1", links=(Node("call-1", is_carrier=False),)))
    answer = poll_again(listed, query, tag)
    assert (answer.status_code, answer.json()["total"]) == (200, 1)
