"""SIDs of several tenants or accounts: visible to administrators only, under any SID of a call."""

from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from calltally.alerts.conditions.current_conditions import current_conditions
from calltally.calls.identity import Node, call_uuid, uuid_text
from calltally.cli.main import app
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit
from tests.integration.web.service import Service, invalid_parameters
from tests.sample_facts import fact

SID, OTHER, ALIAS = "CA" + "1" * 32, "CA" + "2" * 32, "vapi-" + "3" * 32
ADMIN = {"x-admin-key": "let-me-in"}
PATH = "/api/v1/admin/shared-sids"
WINDOW = "from=2026-09-21T00:00:00Z&to=2026-09-23"


def read_page(service: Service, query: str = WINDOW) -> dict[str, Any]:
    page: dict[str, Any] = service.get(f"{PATH}?{query}", ADMIN).json()
    return page


def found(service: Service) -> dict[str, list[str]]:
    return {
        each["call_sid"]: [call["tenant"] for call in each["calls"]] for each in read_page(service)["data"]
    }


@pytest.fixture
def bolt(bench: Bench) -> str:
    return bench.add_tenant("bolt")


def test_sid_of_two_tenants_is_found_with_the_call_of_each(service: Service, bolt: str) -> None:
    bench = service.bench
    submit(bench, fact(0, SID, status="ringing"), fact(0, OTHER, status="busy"))
    assert found(service) == {}
    submit(bench, fact(5, SID, status="completed"), tenant=bolt)
    ((sid,), more) = read_page(service)["data"], read_page(service)["has_more"]
    assert (sid["call_sid"], sid["accounts"], more) == (SID, [], False)
    assert [(each["tenant"], each["status"]) for each in sid["calls"]] == [
        (TENANT, "ringing"),
        (bolt, "completed"),
    ]
    assert sid["calls"][1]["id"] == uuid_text(call_uuid(bolt, SID))
    assert read_page(service, "from=2026-09-23&to=2026-09-24")["data"] == []


def test_short_invented_sids_are_not_reported(service: Service, bolt: str) -> None:
    for tenant in (TENANT, bolt):
        submit(service.bench, fact(0, "call-1", status="ringing"), tenant=tenant)
    assert found(service) == {}


def test_any_sid_of_a_call_counts(service: Service, bolt: str) -> None:
    linked = fact(1, SID, status="ringing", links=(Node(ALIAS, is_carrier=False),))
    submit(service.bench, linked)
    submit(service.bench, fact(2, ALIAS, provider="vapi", status="completed"), tenant=bolt)
    assert found(service) == {ALIAS: [TENANT, bolt]}


def test_two_accounts_of_one_provider_are_found(service: Service) -> None:
    first = fact(0, SID, status="ringing")
    again = fact(9, SID, status="completed", from_number="+14155550100")
    submit(service.bench, *(msgspec.structs.replace(each, account="AC1") for each in (first, again)))
    submit(service.bench, msgspec.structs.replace(fact(3, SID, provider="vapi"), account="org-7"))
    assert found(service) == {}
    submit(service.bench, msgspec.structs.replace(again, account="AC2"))
    (sid,) = read_page(service)["data"]
    assert (sid["call_sid"], sid["accounts"]) == (SID, ["AC1", "AC2"])
    assert [each["tenant"] for each in sid["calls"]] == [TENANT]


def test_shared_sids_are_no_tenant_alert(service: Service, bolt: str) -> None:
    for tenant in (TENANT, bolt):
        submit(service.bench, fact(0, SID, status="ringing"), tenant=tenant)
    assert found(service) == {SID: [TENANT, bolt]}
    for tenant in (TENANT, bolt):
        findings = service.bench.run(service.bench.store.read(current_conditions(tenant, NOW_US))).findings
        assert "duplicate-sid" not in {each.kind.value for each in findings}
    assert service.get(PATH).status_code == 403


@pytest.mark.parametrize("query", ["from=2026-09-23&to=2026-09-22", "from=2026-01-01&to=2026-09-22"])
def test_window_is_a_month_at_most(service: Service, query: str) -> None:
    answer = service.get(f"{PATH}?{query}", ADMIN)
    assert (answer.status_code, invalid_parameters(answer)) == (400, ["from"])


def test_command_lists_shared_sids(bench: Bench, bolt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    words = ["alerts", "shared-sids", "--to", "2026-09-22"]
    assert CliRunner().invoke(app, words).output == "0 shared SIDs\n"
    for tenant in (TENANT, bolt):
        submit(bench, fact(0, SID, status="ringing"), tenant=tenant)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    ours, theirs = (uuid_text(call_uuid(tenant, SID)) for tenant in (TENANT, bolt))
    assert done.output == f"{SID}: {TENANT} {ours} (ringing), bolt {theirs} (ringing)\n1 shared SID\n"
    (sid,) = msgspec.json.decode(CliRunner().invoke(app, [*words, "--json"]).output)
    assert sid["call_sid"] == SID
