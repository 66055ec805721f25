"""Two tenants with the same SIDs: what one's key asks of the other's is not there, whatever it asks."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from calltally.calls.identity import call_uuid, uuid_text
from calltally.store.tenants.api_keys import add_key, mint_key
from calltally.store.tenants.routes import checked_route, put_route
from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import NOW_US, Bench
from tests.integration.ingest.service import Answer, Service
from tests.integration.web.service import invalid_parameters, slug
from tests.unit.providers.twilio.signing import TOKEN, Pairs

OURS, THEIRS = "acme", "bolt"
SHARED_SID = "CA" + "5" * 32
THEIR_SID = "CA" + "7" * 32
# Stands in every text that the other tenant told, so that a leak of any of it is found.
MARK = "bolts-own"
LIST = "/api/v1/call-logs"
ADMIN = {"x-admin-key": "let-me-in"}

Json = dict[str, Any]


class Side(NamedTuple):
    """One tenant's view: its keys with every scope, over the one service that both share."""

    service: Service
    tenant: str

    @property
    def key(self) -> dict[str, str]:
        """The header of a new key: each may ask once."""
        scopes = ("calls:read", "transcripts:read", "events:write")
        made, bench = mint_key(self.tenant, scopes), self.service.bench
        bench.run(bench.store.write(add_key(self.tenant, made, "test", NOW_US)))
        return {"authorization": f"Bearer {made.text}"}

    def get(self, path: str, **headers: str) -> Answer:
        return self.service.request("GET", path, headers={**self.key, **headers})

    def report(self, *events: Mapping[str, Any]) -> list[Json]:
        answer = self.service.request("POST", "/api/v1/events", json.dumps(events).encode(), self.key)
        reported: list[Json] = answer.json()["outcomes"]
        return reported

    def listed(self, query: str = "limit=1000") -> list[Json]:
        calls: list[Json] = self.get(f"{LIST}?{query}").json()["data"]
        return calls


class Wall(NamedTuple):
    """Both sides of it."""

    ours: Side
    theirs: Side


def event(sid: str, who: str) -> Json:
    return {
        "id": "same-id",
        "call_sid": sid,
        "occurred_at": "2026-11-18T11:00:00Z",
        "status": "completed",
        "direction": "inbound",
        "route": who,
        "agent": who,
        "provider": who,
        "from_number": f"sip:{who}@example.com",
        "summary": f"Told by {who}.",
        "tags": [who],
        "metadata": {"of": who},
    }


@pytest.fixture
def wall(bench: Bench) -> Wall:
    """Two tenants that each told of the same SID, and the second of one more."""
    service = Service(bench)
    wall = Wall(Side(service, OURS), Side(service, bench.add_tenant(THEIRS)))
    route = checked_route(MARK, ["+14155550155"], agent=MARK)
    bench.run(bench.store.write(put_route(THEIRS, route, NOW_US)))
    wall.ours.report(event(SHARED_SID, "ours"))
    wall.theirs.report(event(SHARED_SID, MARK), event(THEIR_SID, MARK))
    return wall


def their_names() -> Iterator[str]:
    """Every id and SID of the other tenant, as a path may name it."""
    for sid in (SHARED_SID, THEIR_SID):
        yield uuid_text(call_uuid(THEIRS, sid))
    yield THEIR_SID


def test_each_lists_its_own_and_counts_its_own(wall: Wall) -> None:
    (ours,) = wall.ours.listed()
    assert (ours["call_sid"], ours["summary"], ours["conflicts"]) == (SHARED_SID, "Told by ours.", 0)
    assert {call["call_sid"] for call in wall.theirs.listed()} == {SHARED_SID, THEIR_SID}
    assert {call["id"] for call in wall.theirs.listed()}.isdisjoint({ours["id"]})


def test_the_same_event_id_of_both_is_no_repeat(wall: Wall) -> None:
    assert [each["outcome"] for each in wall.ours.report(event(THEIR_SID, "ours"))] == ["applied"]
    assert len(wall.ours.listed()) == 2
    assert {call["summary"] for call in wall.theirs.listed()} == {f"Told by {MARK}."}


@pytest.mark.parametrize(
    "query",
    [
        f"route={MARK}",
        f"agent={MARK}",
        f"provider={MARK}",
        f"route={MARK}&agent={MARK}",
        f"call_sid={THEIR_SID}",
        f"number=sip:{MARK}@example.com",
        "status=completed&offset=1",
        "limit=1&offset=1",
        "from=2026-11-18&order=asc&offset=1",
    ],
)
def test_no_filter_and_no_offset_reaches_over(wall: Wall, query: str) -> None:
    page = wall.ours.get(f"{LIST}?{query}").json()
    assert page["data"] == []
    assert page["total"] in {0, 1}
    assert wall.theirs.get(f"{LIST}?{query}").json()["data"] != []


def test_links_and_headers_lead_nowhere_over(wall: Wall) -> None:
    answer = wall.ours.get(f"{LIST}?limit=1")
    assert set(answer.links) == {"first", "last"}
    assert not [name for name, value in answer.headers.items() if THEIRS in value or MARK in value]


@pytest.mark.parametrize("name", list(their_names()))
@pytest.mark.parametrize("behind", ["", "/events"])
def test_a_call_of_theirs_is_not_found_like_one_that_never_was(wall: Wall, name: str, behind: str) -> None:
    theirs, nobodys = wall.ours.get(f"{LIST}/{name}{behind}"), wall.ours.get(f"{LIST}/no-such-call{behind}")
    assert (theirs.status_code, slug(theirs)) == (404, "not-found")
    assert content(theirs) == content(nobodys)
    assert wall.theirs.get(f"{LIST}/{name}{behind}").status_code == 200


def content(answer: Answer) -> Json:
    """A problem without what is of this request alone."""
    return {name: value for name, value in answer.json().items() if name not in {"instance", "request_id"}}


@pytest.mark.parametrize("behind", ["", "/events"])
def test_the_shared_sid_is_each_ones_own_call(wall: Wall, behind: str) -> None:
    ours, theirs = (side.get(f"{LIST}/{SHARED_SID}{behind}") for side in wall)
    assert (ours.status_code, theirs.status_code) == (200, 200)
    assert MARK not in ours.text
    assert MARK in theirs.text


@pytest.mark.parametrize("path", [LIST, f"{LIST}/{SHARED_SID}", f"{LIST}/{SHARED_SID}/events"])
def test_a_key_cannot_name_another_tenant(wall: Wall, path: str) -> None:
    for tenant in (THEIRS, OURS, "nobody"):
        answer = wall.ours.get(f"{path}?tenant={tenant}")
        assert invalid_parameters(answer) == ["tenant"]
        assert MARK not in answer.text
    answer = wall.ours.service.request("POST", f"/api/v1/events?tenant={THEIRS}", b"{}", wall.ours.key)
    assert invalid_parameters(answer) == ["tenant"]


def test_a_key_is_none_to_the_admin_api(wall: Wall) -> None:
    for method, path in admin_requests(THEIRS):
        answer = wall.ours.service.request(method, path, b"{}", wall.ours.key)
        assert (answer.status_code, slug(answer)) == (403, "forbidden")


def admin_requests(tenant: str) -> Iterator[tuple[str, str]]:
    base = "/api/v1/admin/tenants"
    yield from (("GET", base), ("POST", base))
    yield from (("GET", f"/api/v1/admin/{each}") for each in ("shared-sids", "status", "doctor"))
    yield from ((method, f"{base}/{tenant}/api-keys") for method in ("GET", "POST"))
    yield from (("GET", f"{base}/{tenant}/{resource}") for resource in ("routes", "reveals"))
    yield ("PUT", f"{base}/{tenant}/retention")
    yield from (("PUT", f"{base}/{tenant}/{resource}/twilio") for resource in ("routes", "providers"))
    yield ("DELETE", f"{base}/{tenant}/api-keys/key_0123456789abcdef")


def test_only_the_admin_key_can_read_that_both_have_a_sid(wall: Wall) -> None:
    window = "from=2026-11-18&to=2026-11-19"
    displayed = wall.ours.service.request("GET", f"/api/v1/admin/shared-sids?{window}", headers=ADMIN).json()
    assert [each["call_sid"] for each in displayed["data"]] == [SHARED_SID]
    assert [call["tenant"] for call in displayed["data"][0]["calls"]] == [OURS, THEIRS]
    paths = (LIST, f"{LIST}/{SHARED_SID}", "/api/v1/alerts", "/api/v1/changes", "/metrics")
    for side, other in ((wall.ours, THEIRS), (wall.theirs, OURS)):
        for path in paths:
            answer = side.get(path)
            assert answer.status_code == 200
            assert f'"{other}"' not in answer.text
            assert uuid_text(call_uuid(other, SHARED_SID)) not in answer.text


def test_a_key_that_names_another_tenant_in_its_text_is_none(wall: Wall) -> None:
    text = wall.ours.key["authorization"].replace(f"ct_{OURS}_", f"ct_{THEIRS}_")
    answer = wall.ours.service.request("GET", LIST, headers={"authorization": text})
    assert (answer.status_code, slug(answer)) == (401, "unauthorized")


def test_a_callback_signed_with_our_secret_is_not_theirs(wall: Wall) -> None:
    """Nor does it matter whether the other tenant has a secret of its own."""
    path = f"/api/v1/ingest/twilio/{THEIRS}"
    pairs: Pairs = [("CallSid", "CA" + "8" * 32), ("CallStatus", "ringing")]
    service = wall.ours.service
    before = service.call_back(pairs, path=path)
    sealed = service.vault.seal(THEIRS, "twilio", {"auth_token": "another"})
    service.bench.run(service.bench.store.write(put_provider_secrets(THEIRS, "twilio", sealed, NOW_US)))
    service.bench.now_us += 2_000_000
    after = service.call_back(pairs, path=path)
    for answer in (before, after):
        assert (answer.status_code, slug(answer)) == (403, "wrong-signature")
    assert content(before) == content(after)
    assert len(wall.theirs.listed()) == 2


def test_their_routes_are_not_for_our_calls(wall: Wall) -> None:
    reported = {
        "id": "e2",
        "call_sid": "routed",
        "occurred_at": "2026-11-18T11:00:00Z",
        "to_number": "+14155550155",
    }
    for side in wall:
        side.report(reported)
    assert [call["route"] for call in wall.ours.listed("call_sid=routed")] == [None]
    assert [call["route"] for call in wall.theirs.listed("call_sid=routed")] == [MARK]


def test_the_admin_key_names_the_tenant_and_sees_no_other(wall: Wall) -> None:
    service = wall.ours.service
    service.bench.now_us += 60_000_000
    for tenant, total in ((OURS, 1), (THEIRS, 2)):
        service.bench.now_us += 60_000_000
        page = service.request("GET", f"{LIST}?tenant={tenant}", headers=ADMIN)
        assert page.json()["total"] == total
        assert (MARK in page.text) is (tenant == THEIRS)
        service.bench.now_us += 60_000_000
        one = service.request("GET", f"{LIST}/{THEIR_SID}?tenant={tenant}", headers=ADMIN)
        assert one.status_code == (200 if tenant == THEIRS else 404)
    service.bench.now_us += 60_000_000
    assert invalid_parameters(service.request("GET", LIST, headers=ADMIN)) == ["tenant"]


def test_metrics_and_pages_for_everybody_name_no_tenant(wall: Wall) -> None:
    for path in ("/metrics", "/openapi.json", "/docs", "/", "/healthz", "/readyz"):
        displayed = wall.ours.service.request("GET", path).text
        assert THEIRS not in displayed
        assert MARK not in displayed


def test_a_dead_letter_is_its_tenants_own(wall: Wall) -> None:
    """The same body for both: neither answer knows of the other's."""
    service, pairs = wall.ours.service, [("CallSid", SHARED_SID), ("CallStatus", "parked")]
    sealed = service.vault.seal(THEIRS, "twilio", {"auth_token": TOKEN})
    service.bench.run(service.bench.store.write(put_provider_secrets(THEIRS, "twilio", sealed, NOW_US)))
    for side in wall:
        path = f"/api/v1/ingest/twilio/{side.tenant}"
        assert service.call_back(pairs, path=path).status_code == 202
        assert [call["status"] for call in side.listed(f"call_sid={SHARED_SID}")] == ["completed"]
