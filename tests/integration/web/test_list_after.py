"""`after` over HTTP: the rows that follow a call, for clients that store the last id."""

import pytest

from tests.integration.store.probing import direct, submit
from tests.integration.web.service import LIST, Service, invalid_parameters
from tests.integration.web.walking import Json, erase, ids, page
from tests.sample_facts import own

CALLS = 30
FILTERS = [
    "",
    "status=completed",
    "direction=inbound&status=busy,ringing",
    "route=sales",
    "escalated=true",
    "number=100",
    "q=refund",
    "agent=vera&route=sales",
    "from=2026-09-21T14:14:07Z&to=2026-09-21T14:21:00Z",
]
UNKNOWN = "550e8400-e29b-81d4-a716-446655440000"


@pytest.fixture
def listed(service: Service) -> Service:
    """Record calls, three at each instant, so that only their ids order them."""
    submissions = [
        own(
            20 * (number // 3),
            f"call-{number}",
            status=("completed", "ringing", "busy")[number % 3],
            direction=("inbound", "outbound")[number % 2],
            route=("sales", "support")[number % 4 // 2],
            agent=("vera", "otto")[number % 5 // 3],
            escalated=number % 3 == 0,
            from_number=str(100 + number % 2),
            summary="Asked for a refund." if number % 2 else "Moved the appointment.",
        )
        for number in range(CALLS)
    ]
    submit(service.bench, *submissions)
    return service


def followed(service: Service, query: str, limit: int) -> list[Json]:
    """Return every row of a client that continues after the last id."""
    rows: list[Json] = []
    after = ""
    while data := page(service, f"{query}&limit={limit}{after}")["data"]:
        rows += data
        after = f"&after={data[-1]['id']}"
    return rows


@pytest.mark.unmeasured
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("query", FILTERS)
def test_after_walks_the_whole_list_exactly_once(listed: Service, query: str, order: str) -> None:
    full_query = f"{query}&order={order}"
    whole = page(listed, f"{full_query}&limit=1000")
    assert 3 <= whole["total"] == len(whole["data"])
    for limit in (1, 4):
        assert followed(listed, full_query, limit) == whole["data"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_page_has_its_offset_and_total(listed: Service, order: str) -> None:
    whole = page(listed, f"order={order}&limit=1000")
    for index, call_id in enumerate(ids(whole), start=1):
        found = page(listed, f"order={order}&limit=2&after={call_id}")
        assert (found["offset"], found["limit"], found["total"]) == (index, 2, CALLS)
        assert found["data"] == whole["data"][index : index + 2]


def test_after_accepts_a_call_outside_the_filter(listed: Service) -> None:
    whole = page(listed, "limit=1000")["data"]
    busy = page(listed, "status=busy&limit=1000")["data"]
    for index, call in enumerate(whole):
        behind = [each for each in whole[index + 1 :] if each["status"] == "busy"]
        found = page(listed, f"status=busy&limit=1000&after={call['id']}")
        assert found["data"] == behind
        assert (found["offset"], found["total"]) == (len(busy) - len(behind), len(busy))


@pytest.mark.parametrize(
    ("window", "left"), [("from=2030-01-01", 0), ("to=2020-01-01", 0), ("to=2030-01-01", 29)]
)
def test_after_accepts_a_call_outside_the_window(listed: Service, window: str, left: int) -> None:
    first = page(listed, "limit=1")["data"][0]["id"]
    assert len(page(listed, f"{window}&limit=1000&after={first}")["data"]) == left


def test_links_continue_with_snapshot_and_offset(listed: Service) -> None:
    whole = page(listed, "limit=1000")["data"]
    answer = listed.get(f"{LIST}?limit=4&after={whole[5]['id']}")
    token = answer.json()["snapshot"]
    assert {name: link["url"] for name, link in answer.links.items()} == {
        "first": f"{LIST}?snapshot={token}&limit=4&offset=0",
        "prev": f"{LIST}?snapshot={token}&limit=4&offset=2",
        "next": f"{LIST}?snapshot={token}&limit=4&offset=10",
        "last": f"{LIST}?snapshot={token}&limit=4&offset=28",
    }
    assert listed.get(answer.links["next"]["url"]).json()["data"] == whole[10:14]


def test_new_calls_before_the_position_do_not_move_it(listed: Service) -> None:
    """Unlike `offset`: newest first, and without a snapshot."""
    whole = page(listed, "limit=1000")["data"]
    submit(listed.bench, *(own(9_000 + number, f"new-{number}") for number in range(5)))
    assert page(listed, f"limit=1000&after={whole[9]['id']}")["data"] == whole[10:]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_after_works_within_a_snapshot_or_hold(listed: Service, order: str) -> None:
    whole = page(listed, f"order={order}&limit=1000&hold=nightly")
    submit(
        listed.bench, own(-60, "call-20", event_id="e"), own(9_000, "call-3", event_id="e", status="failed")
    )
    submit(listed.bench, own(50, "new"))
    for state in (f"snapshot={whole['snapshot']}", "hold=nightly"):
        assert followed(listed, f"order={order}&{state}", 4) == whole["data"]


def test_erased_call_stays_a_position_while_snapshots_exist(listed: Service) -> None:
    whole = page(listed, "limit=1000")["data"]
    erase(listed.bench, whole[9]["call_sid"])
    assert page(listed, f"limit=1000&after={whole[9]['id']}")["data"] == whole[10:]
    with direct(listed.bench.url) as db:
        db("DELETE FROM call_versions")
    assert invalid_parameters(listed.get(f"{LIST}?after={whole[9]['id']}")) == ["after"]


def test_later_call_is_no_position_of_an_old_snapshot(listed: Service) -> None:
    token = page(listed)["snapshot"]
    submit(listed.bench, own(50, "new"))
    new = page(listed, "call_sid=new")["data"][0]["id"]
    answer = listed.get(f"{LIST}?snapshot={token}&after={new}")
    assert invalid_parameters(answer) == ["after"]
    assert "begin without after" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (f"after={UNKNOWN}", ["after"]),
        ("after=call-3", ["after"]),
        ("after=", ["after"]),
        (f"after={UNKNOWN}&offset=0", ["after"]),
        (f"after={UNKNOWN}&after={UNKNOWN}", ["after"]),
    ],
)
def test_invalid_position_is_refused(listed: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(listed.get(f"{LIST}?{query}")) == named


def test_call_of_another_tenant_is_no_position(listed: Service) -> None:
    theirs = listed.bench.add_tenant("bolt")
    submit(listed.bench, own(1, "call-3"), tenant=theirs)
    (their_id,) = ids(page(listed, headers=listed.new_key("calls:read", tenant=theirs)))
    assert invalid_parameters(listed.get(f"{LIST}?after={their_id}")) == ["after"]
    assert ids(page(listed, f"call_sid=call-3&after={ids(page(listed))[0]}")) == ids(
        page(listed, "call_sid=call-3")
    )
