"""`/api/v1/alerts` and `/api/v1/alert-rules`: exact lists, manual changes, and their history."""

from dataclasses import replace
from typing import Any

import pytest

from calltally.alerts.evaluation.alert_lifecycle import FLAPPING_US, AlertLifecycle
from calltally.alerts.model.finding import AlertFinding, FindingChange
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.errors import Unavailable
from calltally.calls.times import utc_text
from calltally.store.alerts.alerts import AlertEvent
from calltally.store.db.operation import StoreOperation
from calltally.web.app import create_app
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import alerts, evaluation_us, finding, history
from tests.integration.web.service import ADMIN, Broken, Service, slug

PATH = "/api/v1/alerts"
RULES = "/api/v1/alert-rules"
ROUTE = SeriesKey(Dimension.ROUTE, "support-de")
OTHER = SeriesKey(Dimension.ROUTE, "sales")
PROVIDER = SeriesKey(Dimension.PROVIDER, "twilio")


def apply_findings(bench: Bench, *findings: AlertFinding, at_us: int = NOW_US, tenant: str = TENANT) -> None:
    """Apply findings to the alerts of a tenant."""

    def step() -> StoreOperation[None]:
        lifecycle = AlertLifecycle(tenant, at_us, "Europe/Berlin")
        yield from lifecycle.lock()
        yield from lifecycle.apply(findings)

    bench.run(bench.store.write(step()))


def open_alerts(bench: Bench, *keys: SeriesKey, at_us: int = NOW_US, tenant: str = TENANT) -> None:
    found = [finding(FindingChange.BEGAN, key, evaluation_us(0)) for key in keys]
    apply_findings(bench, *found, at_us=at_us, tenant=tenant)


def listed(service: Service, query: str = "") -> list[dict[str, Any]]:
    answer = service.get(PATH + query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.fixture
def writing(service: Service) -> dict[str, str]:
    return service.new_key("calls:read", "alerts:write")


def test_alert_has_a_message_and_links_to_its_calls(service: Service) -> None:
    open_alerts(service.bench, ROUTE)
    (alert,) = listed(service)
    assert alert["message"].startswith(
        "No-answer on support-de: 40 % against 12 % expected (8 to 16 %), since "
    )
    assert alert["message"].endswith(", 50 calls")
    assert alert["calls"] == "https://calls.example.com/api/v1/call-logs?status=no-answer&route=support-de"
    assert (alert["state"], alert["kind"], alert["route"]) == ("open", "rate", "support-de")
    assert alert["evidence"]["events"] == 20
    one = service.get(f"{PATH}/{alert['id']}").json()
    assert one == {**alert, "history": [{"at": utc_text(NOW_US), "what": "opened", "by": None, "note": None}]}


def test_pages_and_filters_are_exact(service: Service) -> None:
    for number in range(5):
        open_alerts(service.bench, SeriesKey(Dimension.ROUTE, f"r{number}"), at_us=NOW_US + number)
    open_alerts(service.bench, PROVIDER, at_us=NOW_US + 9)
    assert [each["route"] for each in listed(service)] == [None, "r4", "r3", "r2", "r1", "r0"]
    page = service.get(f"{PATH}?limit=2&offset=2")
    assert [each["route"] for each in page.json()["data"]] == ["r3", "r2"]
    assert (page.json()["total"], 'rel="next"' in page.headers["link"]) == (6, True)
    assert [each["route"] for each in listed(service, "?route=r2&state=open")] == ["r2"]
    assert [each["provider"] for each in listed(service, "?provider=twilio")] == ["twilio"]
    assert listed(service, "?state=resolved") == listed(service, "?kind=silence") == []
    later = utc_text(NOW_US + 4)
    assert len(listed(service, f"?from={later}")) == 2
    assert len(listed(service, f"?to={later}&state=unresolved")) == 4


def test_acknowledge_and_resolve_are_in_the_history(service: Service, writing: dict[str, str]) -> None:
    open_alerts(service.bench, ROUTE)
    (alert,) = listed(service)
    one = f"{PATH}/{alert['id']}"
    assert slug(service.send(f"{one}/acknowledge", {"note": "No\0"}, writing)) == "invalid-body"
    done = service.send(f"{one}/acknowledge", {"note": "The carrier knows."}, writing)
    assert (done.status_code, done.json()["state"]) == (200, "acknowledged")
    assert service.send(f"{one}/acknowledge", {}, writing).json() == done.json()
    assert len(listed(service, "?state=unresolved")) == 1
    assert service.send(f"{one}/resolve", {}, writing).json()["state"] == "resolved"
    assert slug(service.send(f"{one}/acknowledge", {}, writing)) == "conflict"
    history = [(each["what"], each["note"]) for each in service.get(one).json()["history"]]
    assert history == [("opened", None), ("acknowledged", "The carrier knows."), ("resolved", None)]
    assert all(each["by"] for each in service.get(one).json()["history"][1:])


def test_manually_resolved_alert_stays_resolved_until_a_new_start(
    service: Service, writing: dict[str, str]
) -> None:
    bench = service.bench
    open_alerts(bench, ROUTE)
    service.send(f"{PATH}/{listed(service)[0]['id']}/resolve", {}, writing)
    apply_findings(bench, finding(FindingChange.CONTINUES, ROUTE, evaluation_us(1)))
    assert listed(service, "?state=unresolved") == []
    apply_findings(bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(2)))
    open_alerts(bench, ROUTE, at_us=NOW_US + FLAPPING_US)
    assert len(listed(service)) == 2


def test_aggravation_reopens_an_acknowledged_or_resolved_alert(
    service: Service, writing: dict[str, str]
) -> None:
    bench = service.bench
    open_alerts(bench, ROUTE)
    one = f"{PATH}/{listed(service)[0]['id']}"
    service.send(f"{one}/acknowledge", {}, writing)
    apply_findings(bench, finding(FindingChange.WORSENED, ROUTE, evaluation_us(1)))
    alert = service.get(one).json()
    assert (alert["state"], alert["history"][-1]["what"]) == ("open", "worsened")
    service.send(f"{one}/resolve", {}, writing)
    apply_findings(bench, finding(FindingChange.WORSENED, ROUTE, evaluation_us(2)))
    assert len(listed(service, "?state=unresolved")) == 1


def test_flapping_alert_is_one_alert(service: Service) -> None:
    bench = service.bench
    for number in range(3):
        open_alerts(bench, ROUTE, at_us=NOW_US + number)
        apply_findings(
            bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(2)), at_us=NOW_US + number
        )
    (alert,) = alerts(bench)
    whats = [change.what for change in history(bench, alert)]
    assert whats == [AlertEvent.OPENED, AlertEvent.RESOLVED, *(AlertEvent.REOPENED, AlertEvent.RESOLVED) * 2]
    open_alerts(bench, ROUTE, at_us=NOW_US + 2 + FLAPPING_US)
    assert len(alerts(bench)) == 2


def test_provider_outage_is_one_alert_and_groups_its_routes(service: Service) -> None:
    bench = service.bench
    open_alerts(bench, ROUTE, OTHER)
    apply_findings(bench, finding(FindingChange.BEGAN, PROVIDER, evaluation_us(1), children=(ROUTE, OTHER)))
    (alert,) = listed(service, "?state=unresolved")
    assert alert["provider"] == "twilio"
    assert {each["series"] for each in alert["children"]} == {"support-de", "sales"}
    grouped = listed(service, "?route=sales")[0]
    last = service.get(f"{PATH}/{grouped['id']}").json()["history"][-1]
    assert (last["what"], last["note"]) == ("grouped", alert["id"])


def test_mute_holds_for_the_same_cause_and_can_be_removed(service: Service, writing: dict[str, str]) -> None:
    bench = service.bench
    open_alerts(bench, ROUTE)
    one = f"{PATH}/{listed(service)[0]['id']}"
    until = utc_text(NOW_US + 10 * FLAPPING_US)
    assert service.send(f"{one}/mute", {"until": until}, writing).json()["muted_until"] == until
    apply_findings(bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(2)))
    open_alerts(bench, ROUTE, at_us=NOW_US + 2 * FLAPPING_US)
    assert listed(service, "?state=open")[0]["muted_until"] == until
    assert service.send(f"{one}/mute", {"until": None}, writing).json()["muted_until"] is None
    for wrong in (utc_text(NOW_US), "soon", 5):
        assert slug(service.send(f"{one}/mute", {"until": wrong}, writing)) == "invalid-body"


def test_rules_are_the_defaults_until_they_are_set(service: Service, writing: dict[str, str]) -> None:
    assert service.get(RULES).json() == {}
    rules = {"false_alarms_a_week": 0.5, "tz": "America/Montreal", "holidays": ["2026-12-25"]}
    assert service.send(RULES, rules, writing, "PUT").json() == rules
    assert service.get(RULES).json() == rules
    for wrong in ({"false_alarms": 1}, {"tz": "Mars/Base"}, {"false_alarms_a_week": 0}, {"mutes": [5]}):
        assert slug(service.send(RULES, wrong, writing, "PUT")) == "invalid-body"
    assert service.get(RULES).json() == rules


def test_alert_of_another_tenant_is_not_found(service: Service, writing: dict[str, str]) -> None:
    other = service.bench.new_tenant()
    open_alerts(service.bench, ROUTE, tenant=other)
    assert listed(service) == []
    alert = service.get(f"{PATH}?tenant={other}", ADMIN).json()["data"][0]
    for path in ("", "/acknowledge", "/resolve"):
        method = "POST" if path else "GET"
        answer = service.send(f"{PATH}/{alert['id']}{path}", {}, writing, method)
        assert (answer.status_code, slug(answer)) == (404, "not-found")
    displayed = service.get(f"{PATH}/{alert['id']}?tenant={other}", ADMIN)
    assert displayed.status_code == 200


def test_reading_needs_one_scope_and_changing_another(service: Service) -> None:
    open_alerts(service.bench, ROUTE)
    (alert,) = listed(service)
    assert slug(service.send(f"{PATH}/{alert['id']}/resolve", {}, service.key)) == "forbidden"
    assert slug(service.send(RULES, {}, service.key, "PUT")) == "forbidden"
    assert slug(service.get(PATH, service.new_key("events:write"))) == "forbidden"


def test_metrics_count_unresolved_alerts_and_name_tenants_if_allowed(
    service: Service, writing: dict[str, str]
) -> None:
    open_alerts(service.bench, ROUTE, OTHER)
    service.send(f"{PATH}/{listed(service, '?route=sales')[0]['id']}/acknowledge", {}, writing)
    lines = service.get("/metrics", {}).text.splitlines()
    assert 'calltally_alert{kind="rate",state="open"} 1.0' in lines
    assert 'calltally_alert{kind="rate",state="acknowledged"} 1.0' in lines
    assert 'calltally_alert{kind="silence",state="open"} 0.0' in lines
    assert not any("acme" in line for line in lines)
    service.app = create_app(replace(service.deps, metrics_by_tenant=True))
    lines = service.get("/metrics", {}).text.splitlines()
    assert 'calltally_alert{kind="rate",state="open",tenant="acme"} 1.0' in lines


def test_metrics_have_no_alerts_while_the_store_is_unavailable(service: Service) -> None:
    service.app = create_app(replace(service.deps, store=Broken(Unavailable("gone"))))
    answer = service.get("/metrics", {})
    assert answer.status_code == 200
    assert "calltally_alert{" not in answer.text
