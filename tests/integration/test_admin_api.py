"""The admin API through the whole application."""

from typing import Any

import httpx2
import pytest

from calltally.store.tenants.api_keys import SCOPES, mint_key
from calltally.store.tenants.vault import Vault, find_provider_secrets
from calltally.web.app import create_app
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.request.dependencies import Dependencies
from tests.conftest import NOW_US, TENANT, Bench

ADMIN = {"x-admin-key": "let-me-in"}
TENANTS = "/api/v1/admin/tenants"
VAULT = Vault(bytes(32))

Answer = httpx2.Response


class Api:
    """Application over one store, called without a network."""

    def __init__(self, bench: Bench, admin_key: str | None = "let-me-in") -> None:
        self.bench = bench

        def clock() -> int:
            return bench.now_us

        deps = Dependencies(
            store=bench.store,
            clock=clock,
            keys=KeyRing(bench.store, clock, admin_key),
            limits=RateLimits(0, clock),
            vault=VAULT,
        )
        app: Any = create_app(deps)
        self._transport = httpx2.ASGITransport(app)

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        return self.bench.run(self._request(method, path, body, headers or ADMIN))

    async def _request(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answer:
        content: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        async with httpx2.AsyncClient(transport=self._transport, base_url="http://test") as client:
            return await client.request(
                method, path, headers=headers, **(content if body is not None else {})
            )


@pytest.fixture
def api(bench: Bench) -> Api:
    return Api(bench)


def problem(answer: Answer) -> tuple[int, str, list[str]]:
    reported = answer.json()
    slug = reported["type"].rpartition("#")[2]
    return answer.status_code, slug, [error["parameter"] for error in reported["errors"]]


def test_tenant_is_created_and_listed(api: Api) -> None:
    made = api.request("POST", TENANTS, {"id": "bolt", "name": "Bolt Ltd"})
    assert made.status_code == 201
    bolt = made.json()
    assert bolt.pop("created_at").endswith("Z")
    assert bolt == {
        "id": "bolt",
        "name": "Bolt Ltd",
        "retention_days": None,
        "masks_numbers": False,
        "bridged_is_escalation": False,
        "default_country": None,
    }
    listed = api.request("GET", TENANTS)
    assert [tenant["id"] for tenant in listed.json()["data"]] == [TENANT, "bolt"]


def test_duplicate_tenant_is_a_conflict(api: Api) -> None:
    assert problem(api.request("POST", TENANTS, {"id": TENANT})) == (409, "conflict", [])


def test_retention_is_set_and_listed(api: Api) -> None:
    for days in (1, 36_500, None, 90):
        put = api.request("PUT", f"{TENANTS}/{TENANT}/retention", {"days": days})
        assert (put.status_code, put.content) == (204, b"")
        assert api.request("GET", TENANTS).json()["data"][0]["retention_days"] == days


def test_tenant_is_removed_after_its_id_was_repeated(api: Api) -> None:
    path = f"{TENANTS}/{TENANT}"
    key = api.request("POST", f"{path}/api-keys", {"scopes": ["calls:read"]}).json()["key"]
    bearer = {"authorization": f"Bearer {key}"}
    assert api.request("GET", "/api/v1/call-logs", **bearer).status_code == 200
    assert api.request("GET", f"{path}/contents").json() == {
        "tenant": TENANT,
        "rows": {"ledger_heads": 1, "api_keys": 1},
    }
    for query in ("", "?confirm=", "?confirm=bolt"):
        refused = api.request("DELETE", path + query)
        assert problem(refused) == (400, "invalid-parameter", ["confirm"])
    for _ in range(2):
        gone = api.request("DELETE", f"{path}?confirm={TENANT}")
        assert (gone.status_code, gone.content) == (204, b"")
    assert problem(api.request("GET", "/api/v1/call-logs", **bearer)) == (401, "unauthorized", [])
    assert api.request("GET", TENANTS).json()["data"] == []
    assert problem(api.request("POST", TENANTS, {"id": TENANT})) == (409, "conflict", [])


def test_key_is_returned_once_and_works_until_revoked(api: Api) -> None:
    made = api.request("POST", f"{TENANTS}/{TENANT}/api-keys", {"name": "x", "scopes": ["calls:read"]})
    assert made.status_code == 201
    key = made.json()
    assert sorted(key) == ["id", "key", "scopes"]
    bearer = {"authorization": f"Bearer {key['key']}"}
    assert api.request("GET", "/api/v1/call-logs", **bearer).status_code == 200
    listed = api.request("GET", f"{TENANTS}/{TENANT}/api-keys")
    assert key["key"] not in listed.text
    assert [each["id"] for each in listed.json()["data"]] == [key["id"]]
    revoked = api.request("DELETE", f"{TENANTS}/{TENANT}/api-keys/{key['id']}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    assert problem(api.request("GET", "/api/v1/call-logs", **bearer)) == (401, "unauthorized", [])
    assert api.request("GET", f"{TENANTS}/{TENANT}/api-keys").json()["data"][0]["revoked_at"]


def test_a_missing_scope_is_named(api: Api) -> None:
    scopes = sorted(SCOPES.keys() - {"calls:read"})
    key = api.request("POST", f"{TENANTS}/{TENANT}/api-keys", {"scopes": scopes}).json()["key"]
    refused = api.request("GET", "/api/v1/call-logs", authorization=f"Bearer {key}")
    assert problem(refused) == (403, "forbidden", [])
    assert "calls:read" in refused.json()["detail"]


def test_secrets_are_sealed_for_their_tenant(api: Api) -> None:
    path = f"{TENANTS}/{TENANT}/providers/twilio"
    put = api.request("PUT", path, {"auth_token": "s3cret"})
    assert (put.status_code, put.content) == (204, b"")
    sealed = api.bench.run(api.bench.store.read(find_provider_secrets(TENANT, "twilio")))
    assert sealed
    assert VAULT.open(TENANT, "twilio", sealed) == {"auth_token": "s3cret"}


WRONG_SECRETS: list[tuple[object, list[str]]] = [
    ({}, ["auth_token"]),
    ({"auth_token": ""}, ["auth_token"]),
    ({"auth_token": "x" * 4097}, ["auth_token"]),
    ({"token": "s3cret"}, ["token", "auth_token"]),
]


@pytest.mark.parametrize(("body", "named"), WRONG_SECRETS)
def test_wrong_secrets_are_named(api: Api, body: object, named: list[str]) -> None:
    refused = api.request("PUT", f"{TENANTS}/{TENANT}/providers/twilio", body)
    assert problem(refused) == (400, "invalid-parameter", named)
    assert "s3cret" not in refused.text


def test_route_is_set_and_listed(api: Api) -> None:
    body = {"numbers": ["+1 (415) 555-0100", "+14155550100"], "agent": "ada", "provider": "twilio"}
    put = api.request("PUT", f"{TENANTS}/{TENANT}/routes/sales%2Feu", body)
    assert (put.status_code, put.content) == (204, b"")
    (route,) = api.request("GET", f"{TENANTS}/{TENANT}/routes").json()["data"]
    assert route.pop("updated_at").endswith("Z")
    assert route == {
        "route": "sales/eu",
        "numbers": ["+14155550100"],
        "agent": "ada",
        "provider": "twilio",
    }


def test_number_belongs_to_one_route(api: Api) -> None:
    api.request("PUT", f"{TENANTS}/{TENANT}/routes/sales", {"numbers": ["100"]})
    refused = api.request("PUT", f"{TENANTS}/{TENANT}/routes/support", {"numbers": ["100"]})
    assert problem(refused) == (409, "conflict", [])
    assert "'sales'" in refused.json()["detail"]


def test_number_of_route_numbers_is_limited(api: Api) -> None:
    numbers = [f"sip:{at:04}@{'x' * 118}" for at in range(1001)]
    assert api.request("PUT", f"{TENANTS}/{TENANT}/routes/r", {"numbers": numbers[1:]}).status_code == 204
    refused = api.request("PUT", f"{TENANTS}/{TENANT}/routes/r", {"numbers": numbers})
    assert problem(refused) == (400, "invalid-parameter", ["numbers"])


def test_tenant_may_have_the_name_of_a_path_segment(api: Api) -> None:
    api.request("POST", TENANTS, {"id": "routes"})
    assert api.request("PUT", f"{TENANTS}/routes/routes/sales", {"numbers": []}).status_code == 204
    assert api.request("GET", f"{TENANTS}/routes/routes").json()["data"][0]["route"] == "sales"


OPERATIONS: list[tuple[str, str, object]] = [
    ("POST", "", {"id": "new"}),
    ("GET", "", None),
    ("POST", "/{}/api-keys", {"scopes": ["calls:read"]}),
    ("GET", "/{}/api-keys", None),
    ("DELETE", "/{}/api-keys/key_0000000000000000", None),
    ("GET", "/{}/contents", None),
    ("DELETE", "/{}?confirm=acme", None),
    ("PUT", "/{}/providers/twilio", {"auth_token": "x"}),
    ("PUT", "/{}/retention", {"days": 90}),
    ("PUT", "/{}/masking", {"masks_numbers": True}),
    ("PUT", "/{}/escalation", {"bridged_is_escalation": True}),
    ("PUT", "/{}/country", {"default_country": "DE"}),
    ("PUT", "/{}/routes/r", {"numbers": []}),
    ("GET", "/{}/routes", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_admin_api_needs_the_admin_key(bench: Bench, method: str, path: str, body: object) -> None:
    api, locked = Api(bench), Api(bench, admin_key=None)
    path = TENANTS + path.format(TENANT)
    scopes = {"scopes": sorted(SCOPES)}
    key = api.request("POST", f"{TENANTS}/{TENANT}/api-keys", scopes).json()["key"]
    answers = [
        api.request(method, path, body, accept="*/*"),
        api.request(method, path, body, authorization="Bearer let-me-in"),
        api.request(method, path, body, **{"x-admin-key": "let-me-out"}),
        locked.request(method, path, body),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"].partition(" ")[0] for answer in answers} == {"Bearer"}
    of_tenant = api.request(method, path, body, authorization=f"Bearer {key}")
    assert problem(of_tenant) == (403, "forbidden", [])
    assert "x-admin-key" in of_tenant.json()["detail"]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS[2:])
@pytest.mark.parametrize("tenant", ["none", "a_b", "%00", "%FF", "x" * 300])
def test_an_unknown_tenant_is_not_found(api: Api, method: str, path: str, body: object, tenant: str) -> None:
    assert problem(api.request(method, TENANTS + path.format(tenant), body)) == (404, "not-found", [])


def test_an_unknown_provider_or_key_is_not_found(api: Api) -> None:
    path = f"{TENANTS}/{TENANT}"
    unknown = mint_key(TENANT, ["calls:read"]).key_id
    for answer in (
        api.request("PUT", f"{path}/providers/none", {"auth_token": "x"}),
        api.request("DELETE", f"{path}/api-keys/{unknown}"),
        api.request("DELETE", f"{path}/api-keys/%00"),
    ):
        assert problem(answer) == (404, "not-found", [])


WRONG_BODIES: list[tuple[object, str]] = [
    (b"", "body"),
    (b"{", "body"),
    (b"[]", "body"),
    (b'{"id": "\\ud800"}', "body"),
    (b'{"id": "\xff"}', "body"),
    (b'{"id": ' + b"[" * 10_000, "id"),
    (b"[" * 10_000, "body"),
    ({"id": 5}, "id"),
    ({"name": "x"}, "id"),
    ({"id": "new", "nmae": "x"}, "nmae"),
]


@pytest.mark.parametrize(("body", "named"), WRONG_BODIES)
def test_invalid_body_names_the_field(api: Api, body: object, named: str) -> None:
    assert problem(api.request("POST", TENANTS, body)) == (400, "invalid-body", [named])


WRONG_VALUES: list[tuple[str, str, object, str]] = [
    ("POST", "", {"id": "A"}, "id"),
    ("POST", "", {"id": "new", "name": "a\nb"}, "name"),
    ("POST", "/acme/api-keys", {"scopes": []}, "scopes"),
    ("POST", "/acme/api-keys", {"scopes": ["calls:delete"]}, "scopes"),
    ("POST", "/acme/api-keys", {"scopes": ["calls:read"], "name": "x" * 201}, "name"),
    ("PUT", "/acme/retention", {"days": 0}, "days"),
    ("PUT", "/acme/retention", {"days": 36_501}, "days"),
    ("PUT", "/acme/retention", {"days": -(10**30)}, "days"),
    ("PUT", "/acme/routes/a%20b", {"numbers": []}, "route"),
    ("PUT", "/acme/routes/r", {"numbers": [" "]}, "numbers"),
    ("PUT", "/acme/routes/r", {"numbers": [], "agent": ""}, "agent"),
]


@pytest.mark.parametrize(("method", "path", "body", "named"), WRONG_VALUES)
def test_invalid_value_names_the_field(api: Api, method: str, path: str, body: object, named: str) -> None:
    assert problem(api.request(method, TENANTS + path, body)) == (400, "invalid-parameter", [named])


@pytest.mark.parametrize("body", [{}, {"days": "90"}, {"days": 1.5}, {"days": True}])
def test_invalid_retention_names_the_field(api: Api, body: object) -> None:
    assert problem(api.request("PUT", f"{TENANTS}/acme/retention", body)) == (400, "invalid-body", ["days"])


def test_form_body_is_refused(api: Api) -> None:
    form = {**ADMIN, "content-type": "application/x-www-form-urlencoded"}
    assert problem(api.request("POST", TENANTS, b"id=new", **form)) == (415, "unsupported-media-type", [])


def test_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    assert problem(api.request("POST", TENANTS, {"id": "x" * 70_000})) == (413, "too-large", [])


def test_times_come_from_the_clock(api: Api) -> None:
    api.bench.now_us = NOW_US + 1_500_000
    assert api.request("POST", TENANTS, {"id": "new"}).json()["created_at"] == "2026-11-18T11:06:41.500000Z"
