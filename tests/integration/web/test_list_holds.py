"""Holds over HTTP: a name that pins a snapshot, for clients with fixed parameters."""

import asyncio

import pytest

from calltally.store.db.interface import Submission
from calltally.store.maintenance.new_epoch import start_epoch
from tests.conftest import TENANT
from tests.integration.store.probing import direct, submit
from tests.integration.web.service import ADMIN, LIST, Answer, Service, invalid_parameters, slug
from tests.integration.web.walking import alter_head, another_service, erase, ids, page, walk
from tests.sample_facts import own

HELD = f"{LIST}?hold=nightly"


@pytest.fixture
def listed(service: Service) -> Service:
    """Record six calls."""
    submit(service.bench, *(own(60 * number, f"call-{number}", status="ringing") for number in range(6)))
    return service


def change(service: Service) -> None:
    """Add a call, add one with an earlier start, and end one."""
    number = page(service)["total"]
    submissions = [
        own(600 + number, f"new-{number}"),
        own(-number, f"late-{number}"),
        own(700, "call-3", event_id=f"{number}", status=("busy", "failed")[number % 2]),
    ]
    submit(service.bench, *submissions)


def revision_of(service: Service, name: str = "nightly") -> int:
    with direct(service.bench.url) as db:
        [(revision,)] = db("SELECT revision FROM holds WHERE name = ?", name)
    return int(revision)


def test_first_use_pins_the_hold_and_later_uses_read_it(listed: Service) -> None:
    before = page(listed, "limit=1000")
    first = page(listed, "hold=nightly&limit=2")
    assert (first["data"], first["total"]) == (before["data"][:2], 6)
    change(listed)
    assert walk(listed, "hold=nightly", limit=2) == before["data"]
    assert page(listed, "hold=nightly&order=asc")["data"] == before["data"][::-1]
    assert page(listed, "hold=nightly&limit=1000") == before
    assert page(listed)["total"] == 8


def test_hold_covers_all_calls_of_any_first_query(listed: Service) -> None:
    assert page(listed, "hold=nightly&status=busy")["total"] == 0
    change(listed)
    assert page(listed, "hold=nightly&status=busy,failed")["total"] == 0
    assert page(listed, "hold=nightly&status=ringing")["total"] == 6


def test_a_first_use_in_the_middle_pins_as_well(listed: Service) -> None:
    middle = page(listed, "hold=nightly&limit=2&offset=2")["data"]
    change(listed)
    assert walk(listed, "hold=nightly", limit=2)[2:4] == middle


def test_holds_are_separate_by_name_and_tenant(listed: Service) -> None:
    first = page(listed, "hold=first")
    change(listed)
    second = page(listed, "hold=second")
    change(listed)
    assert (first["total"], second["total"]) == (6, 8)
    assert [page(listed, f"hold={name}") for name in ("first", "second")] == [first, second]
    theirs = listed.new_key("calls:read", tenant=listed.bench.add_tenant("bolt"))
    assert page(listed, "hold=first", theirs)["total"] == 0
    assert page(listed, "hold=first&tenant=acme", ADMIN) == first


def test_links_continue_with_the_snapshot(listed: Service) -> None:
    answer = listed.get(f"{HELD}&limit=4")
    token = answer.json()["snapshot"]
    assert answer.links["next"]["url"] == f"{LIST}?snapshot={token}&limit=4&offset=4"
    change(listed)
    assert listed.get(answer.links["next"]["url"]).json() == page(listed, "hold=nightly&limit=4&offset=4")


def test_concurrent_first_uses_pin_the_same_snapshot(listed: Service) -> None:
    """Several services, while a writer changes the ledger."""
    submissions = [Submission(TENANT, own(9_000, f"call-{number}")) for number in range(100, 140)]

    async def crowd(services: list[Service]) -> list[Answer]:
        writing = [asyncio.create_task(listed.bench.store.submit([each])) for each in submissions]
        requests = [service._request("GET", HELD, listed.key) for service in services for _ in range(5)]
        answers = await asyncio.gather(*requests)
        await asyncio.gather(*writing)
        return answers

    with another_service(listed) as second, another_service(listed) as third:
        answers = listed.bench.run(crowd([listed, second, third]))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert page(second, "hold=nightly") == answers[0].json()
    assert page(listed)["total"] == 46


def test_erased_call_keeps_its_row_under_a_hold(listed: Service) -> None:
    before = page(listed, "hold=nightly")
    erase(listed.bench, "call-3")
    after = page(listed, "hold=nightly")
    assert ids(after) == ids(before)
    assert [call.get("erased", False) for call in after["data"]] == [False, False, True, False, False, False]


def test_expired_hold_fails_midway_and_is_pinned_again_at_the_start(
    listed: Service,
) -> None:
    page(listed, "hold=nightly")
    pinned = revision_of(listed)
    change(listed)
    alter_head(listed.bench, f"kept_from = {pinned + 1}")
    last = page(listed)["data"][3]["id"]
    for middle in ("offset=2", f"after={last}"):
        answer = listed.get(f"{HELD}&{middle}")
        assert (answer.status_code, slug(answer)) == (410, "snapshot-gone")
        assert (
            "Begin again at offset 0, which pins a new snapshot, or use another name"
            in answer.json()["detail"]
        )
    assert revision_of(listed) == pinned
    anew = page(listed, "hold=nightly&limit=1000")
    assert (anew["total"], revision_of(listed)) == (8, pinned + 3)
    change(listed)
    assert walk(listed, "hold=nightly") == anew["data"]


def test_hold_of_another_epoch_fails_midway(listed: Service) -> None:
    page(listed, "hold=nightly")
    listed.bench.run(listed.bench.store.write(start_epoch(TENANT, "epoch-2")))
    assert slug(listed.get(f"{HELD}&offset=2")) == "snapshot-gone"
    assert page(listed, "hold=nightly")["total"] == 6
    assert page(listed, "hold=nightly&offset=2")["total"] == 6


def test_head_request_pins_as_well(listed: Service) -> None:
    assert listed.get(HELD, method="HEAD").status_code == 200
    change(listed)
    assert page(listed, "hold=nightly")["total"] == 6


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("hold=", ["hold"]),
        ("hold=every+night", ["hold"]),
        ("hold=a/b", ["hold"]),
        ("hold=%C3%A9", ["hold"]),
        (f"hold={'x' * 101}", ["hold"]),
        ("hold=a&hold=b", ["hold"]),
        (f"hold=a&snapshot=s{'a' * 32}", ["hold"]),
    ],
)
def test_invalid_hold_is_refused_and_pins_nothing(service: Service, query: str, named: list[str]) -> None:
    assert invalid_parameters(service.get(f"{LIST}?{query}")) == named
    with direct(service.bench.url) as db:
        assert db("SELECT count(*) FROM holds") == [(0,)]


def test_unauthorized_request_pins_nothing(service: Service) -> None:
    assert service.get(HELD, service.new_key("events:write")).status_code == 403
    assert service.get(HELD, {}).status_code == 401
    with direct(service.bench.url) as db:
        assert db("SELECT count(*) FROM holds") == [(0,)]
