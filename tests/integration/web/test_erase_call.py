"""`DELETE /api/v1/call-logs/{id}`: its authorization, its responses, and later requests for the call."""

import json
from typing import Any

import pytest

from calltally.calls.identity import Node, call_uuid, uuid_text
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import RINGING
from tests.integration.ingest.service import SID as CALLED_BACK
from tests.integration.ingest.service import Service as Ingest
from tests.integration.store.probing import direct, submit, verdict
from tests.integration.web.service import ADMIN, LIST, Answer, Service, invalid_parameters, slug
from tests.integration.web.walking import page, path_segment, sids
from tests.sample_facts import SID, fact, own

UNKNOWN = "550e8400-e29b-81d4-a716-446655440000"


@pytest.fixture
def listed(service: Service) -> Service:
    """Record two calls; the first one absorbed a platform's call."""
    submit(service.bench, own(1, "platform-1", summary="Asked."), own(2, "other", status="busy"))
    submit(service.bench, fact(3, SID, status="completed", links=(Node("platform-1", is_carrier=False),)))
    return service


def delete(
    service: Service, named: str, tenant: str | None = TENANT, headers: dict[str, str] | None = None
) -> Answer:
    query = f"?tenant={tenant}" if tenant is not None else ""
    return service.get(
        f"{LIST}/{path_segment(named)}{query}", ADMIN if headers is None else headers, "DELETE"
    )


@pytest.mark.parametrize(
    "named",
    [SID, "platform-1", uuid_text(call_uuid(TENANT, SID)), uuid_text(call_uuid(TENANT, "platform-1"))],
)
def test_erased_call_is_gone_under_all_its_ids(listed: Service, named: str) -> None:
    answer = delete(listed, named)
    assert (answer.status_code, answer.content) == (204, b"")
    assert sids(page(listed)) == ["other"]
    names = (SID, "platform-1", *(uuid_text(call_uuid(TENANT, sid)) for sid in (SID, "platform-1")))
    for name in names:
        for path in (f"{LIST}/{name}", f"{LIST}/{name}/events"):
            reported = listed.get(path)
            assert (reported.status_code, slug(reported)) == (410, "erased")
            assert reported.json()["detail"] == "the call was erased"
        assert delete(listed, name).status_code == 204
        assert page(listed, f"call_sid={name}")["total"] == 0
    assert verdict(listed.bench).findings == []


def test_erasure_is_idempotent(listed: Service) -> None:
    assert delete(listed, SID).status_code == 204
    before = listed.get(LIST).headers["etag"]
    assert delete(listed, SID).status_code == 204
    assert listed.get(LIST).headers["etag"] == before


@pytest.mark.parametrize("sid", ["a/b", "a b+c", "é☎", "..", "a?b#c"])
def test_a_sid_of_any_characters_is_erased(service: Service, sid: str) -> None:
    submit(service.bench, own(1, sid))
    assert delete(service, sid).status_code == 204
    assert slug(service.get(f"{LIST}/{path_segment(sid)}")) == "erased"


@pytest.mark.parametrize("named", ["nobody", UNKNOWN, "x" * 201, "\0"])
def test_unknown_call_is_not_found(listed: Service, named: str) -> None:
    answer = delete(listed, named)
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert page(listed)["total"] == 2


def test_erasure_needs_the_admin_key_and_a_tenant(listed: Service) -> None:
    every_scope = listed.new_key("calls:read", "transcripts:read", "events:write")
    for headers in ({}, {"x-admin-key": "wrong"}):
        answer = delete(listed, SID, headers=headers)
        assert (answer.status_code, slug(answer)) == (401, "unauthorized")
    answer = delete(listed, SID, headers=every_scope)
    assert (answer.status_code, slug(answer)) == (403, "forbidden")
    assert invalid_parameters(delete(listed, SID, tenant=None)) == ["tenant"]
    assert slug(delete(listed, SID, tenant="nobody")) == "not-found"
    listed.bench.add_tenant("bolt")
    assert slug(delete(listed, SID, tenant="bolt")) == "not-found"
    assert page(listed)["total"] == 2


def test_unknown_parameter_is_refused(listed: Service) -> None:
    assert invalid_parameters(listed.get(f"{LIST}/{SID}?tenant=acme&force=true", ADMIN, "DELETE")) == [
        "force"
    ]
    assert page(listed)["total"] == 2


def test_feed_has_a_tombstone_of_the_erased_call(listed: Service) -> None:
    begin = listed.get("/api/v1/changes").json()["next"]
    gone = page(listed, f"call_sid={SID}")["data"][0]
    delete(listed, SID)
    (tombstone,) = listed.get(f"/api/v1/changes?after={begin}").json()["data"]
    assert (tombstone["id"], tombstone["tombstone"], tombstone["merged_into"]) == (gone["id"], "erased", None)
    whole = listed.get("/api/v1/changes").json()["data"]
    assert SID not in json.dumps(whole)


# ------------------------------------------------------------------------------------------- told again


class Sending:
    """Callbacks and own events over the bench's store."""

    def __init__(self, bench: Bench) -> None:
        self.ingest = Ingest(bench)

    def send(self, *events: dict[str, Any]) -> Answer:
        key = self.ingest.bearer("events:write")
        return self.ingest.request("POST", "/api/v1/events", json.dumps(events).encode(), key)


def event(call_sid: str, number: int = 1) -> dict[str, Any]:
    return {"id": f"e{number}", "call_sid": call_sid, "occurred_at": "2026-11-18T11:00:00Z"}


def test_own_events_of_an_erased_call_are_refused_with_a_reason(listed: Service) -> None:
    delete(listed, SID)
    sending = Sending(listed.bench)
    answer = sending.send(event(SID), event("fresh", 2), event("platform-1", 3))
    assert answer.status_code == 200
    refused, applied, refused_too = answer.json()["outcomes"]
    why = "the call was erased; new facts of it are refused"
    for each in (refused, refused_too):
        assert (each["outcome"], each["reason"], each["call_id"], each["revision"]) == (
            "refused",
            why,
            None,
            None,
        )
        assert each["errors"] == [{"parameter": "call_sid", "detail": why}]
    assert applied["outcome"] == "applied"
    assert sorted(sids(page(listed))) == ["fresh", "other"]


def test_batch_of_only_erased_calls_is_422(listed: Service) -> None:
    delete(listed, SID)
    answer = Sending(listed.bench).send(event(SID))
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs/problems#events-refused")
    assert [each["outcome"] for each in answer.json()["outcomes"]] == ["refused"]


def test_callback_of_an_erased_call_is_answered_and_not_stored(service: Service) -> None:
    ingest = Sending(service.bench).ingest
    assert ingest.call_back(RINGING).json()["outcomes"][0]["outcome"] == "applied"
    assert delete(service, CALLED_BACK).status_code == 204
    again = ingest.call_back([*RINGING, ("SequenceNumber", "2")])
    # Not refused: the provider would send it again and again.
    assert again.status_code == 200
    (outcome,) = again.json()["outcomes"]
    assert (outcome["outcome"], outcome["call_id"], outcome["revision"]) == ("refused", None, None)
    assert page(service)["total"] == 0
    with direct(service.bench.url) as db:
        assert db("SELECT count(*) FROM facts") == [(0,)]
        assert db("SELECT count(*) FROM dead_letters") == [(0,)]
