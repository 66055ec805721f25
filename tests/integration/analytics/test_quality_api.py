"""Launch quality over HTTP: metrics, permissions, and equal rows in CSV and JSON."""

import csv
import io
from typing import Any

from calltally.calls.metrics import COUNTS, DURATIONS, RATES
from calltally.calls.times import SECOND_US, parse_instant
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.tenants import set_bridged_is_escalation
from tests.conftest import NOW_US, Bench
from tests.integration.store.probing import direct, submit
from tests.integration.web.service import ADMIN, Service, slug
from tests.sample_facts import START_US, fact

PATH = "/api/v1/analytics/launch-quality"
# The calls of these tests are made on 2026-09-21 from 13:34 UTC on.
WINDOW = "from=2026-09-21&to=2026-09-22"


def call(bench: Bench, sid: str, at: float = 0, tenant: str = "acme", **fields: Any) -> None:  # noqa: ANN401 (values of every kind)
    submit(bench, fact(at, sid, **fields), tenant=tenant)


def quality(service: Service, query: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401 (JSON)
    answer = service.get(f"{PATH}?{query}", headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_metric_has_its_counts(bench: Bench, service: Service) -> None:
    for n in range(6):
        call(bench, f"done-{n}", n, status="completed", talk_seconds=30, route="sales")
    call(bench, "lost", 7, status="failed", sip_code=503, route="sales")
    call(bench, "open", 8, status="ringing", route="sales")
    body = quality(service, f"{WINDOW}&group_by=route")
    [group] = body["data"]
    assert group["key"] == {"route": "sales"}
    assert {**body["total"], "key": group["key"]} == group
    assert list(group["counts"]) == [each.name for each in COUNTS]
    assert list(group["rates"]) == [each.name for each in RATES]
    assert list(group["seconds"]) == [each.name for each in DURATIONS]
    assert (group["counts"]["attempts"], group["counts"]["open"], group["counts"]["final"]) == (8, 1, 7)
    rate = group["rates"]["provider_failure_rate"]
    assert (rate["value"], rate["numerator"], rate["denominator"]) == (0.142857, 1, 7)
    assert (rate["small_sample"], 0 < rate["low"] < rate["value"] < rate["high"] < 1) == (True, True)
    assert group["rates"]["transfer_rate"]["value"] == 0
    assert group["seconds"]["talk"]["average"] == group["seconds"]["talk"]["p99"] == 30
    assert group["seconds"]["post_dial_delay"]["average"] is None
    assert body["unmeasured"] == 0


def test_outcomes_are_measured_where_a_source_reports_them(bench: Bench, service: Service) -> None:
    bridged: dict[str, Any] = {"transfer": {"target": "+14155550100", "outcome": "bridged"}}
    for n in range(4):
        call(bench, f"CA{n}", n, status="completed", talk_seconds=30)
    # A carrier does not report the transfers of the tenant's own software.
    rates = quality(service, WINDOW)["total"]["rates"]
    for unknown in ("transfer_rate", "escalation_rate", "containment_rate", "machine_answer_rate"):
        assert (rates[unknown]["value"], rates[unknown]["denominator"]) == (None, 0)
    call(bench, "v-1", 5, status="completed", talk_seconds=30, is_carrier=False, provider="vapi", **bridged)
    call(bench, "v-2", 6, status="completed", talk_seconds=30, is_carrier=False, provider="vapi")
    call(bench, "v-3", 7, status="completed", talk_seconds=9, is_carrier=False, answered_by="machine")
    body = quality(service, WINDOW)["total"]
    rates = {name: (rate["numerator"], rate["denominator"]) for name, rate in body["rates"].items()}
    assert (body["counts"]["answered"], rates["transfer_rate"]) == (7, (1, 3))
    assert (rates["containment_rate"], rates["escalation_rate"]) == ((1, 2), (0, 0))
    assert (rates["machine_answer_rate"], rates["answer_rate"]) == ((1, 1), (7, 7))


def test_tenant_counts_bridged_transfers_as_escalations(bench: Bench, service: Service) -> None:
    bridged: dict[str, Any] = {"transfer": {"target": "+14155550100", "outcome": "bridged"}}
    call(bench, "v-1", 5, status="completed", talk_seconds=30, is_carrier=False, **bridged)
    call(bench, "v-2", 6, status="completed", talk_seconds=30, is_carrier=False)
    assert quality(service, WINDOW)["total"]["rates"]["escalation_rate"]["value"] is None
    bench.run(bench.store.write(set_bridged_is_escalation("acme", counts=True)))
    assert quality(service, WINDOW)["total"]["rates"]["escalation_rate"]["value"] == 0.5
    assert quality(service, f"{WINDOW}&group_by=route")["total"]["counts"]["escalated"] == 1


def test_pain_8_answer_rate_is_not_stuck_at_100_percent(bench: Bench, service: Service) -> None:
    """If a provider reports `completed` for every call, unanswered calls do not count as answered."""
    for n in range(10):
        ended: dict[str, Any] = {"talk_seconds": 30} if n < 3 else {}
        word = "completed" if n < 3 else ("busy", "no-answer", "failed")[n % 3]
        call(bench, f"call-{n}", n, status=word, **ended)
        call(bench, f"call-{n}", n + 0.5, status="completed")
    rates = quality(service, WINDOW)["total"]["rates"]
    assert (rates["answer_rate"]["numerator"], rates["answer_rate"]["denominator"]) == (3, 10)
    assert rates["completion_rate"]["value"] == rates["answer_rate"]["value"] == 0.3


def test_rate_without_calls_is_null(service: Service) -> None:
    body = quality(service, WINDOW)
    assert body["data"] == []
    nothing = {"value": None, "numerator": 0, "denominator": 0, "low": None, "high": None}
    assert body["total"]["rates"]["answer_rate"] == {**nothing, "small_sample": True}


def test_csv_has_the_same_rows_as_json(bench: Bench, service: Service) -> None:
    call(bench, "a", route="=cmd()", status="completed", talk_seconds=3)
    call(bench, "b", status="busy")
    query = f"{WINDOW}&group_by=route,day&tz=Asia/Kolkata&compare=previous"
    body = quality(service, query)
    for text in (
        service.get(f"{PATH}?{query}&format=csv").text,
        service.get(f"{PATH}?{query}", {**service.key, "accept": "text/csv"}).text,
    ):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["route"] for row in rows] == ["'=cmd()", ""]
        assert len(rows) == len(body["data"])
        for row, group in zip(rows, body["data"], strict=True):
            assert row["day"] == group["key"]["day"] == "2026-09-21"
            assert [int(row[each.name]) for each in COUNTS] == list(group["counts"].values())
            assert row["answer_rate"] == str(group["rates"]["answer_rate"]["value"])
            assert row["answer_rate_small_sample"] == "true"
            assert row["answer_rate_more_than_chance"] == ""
    assert service.get(f"{PATH}?{query}&format=csv").headers["content-type"].startswith("text/csv")


def moved(bench: Bench, at: str) -> None:
    """Record a call whose only fact has that instant."""
    call(bench, at, (parse_instant(at) - START_US) / SECOND_US, status="busy")


def test_repeated_and_skipped_hours_of_clock_changes(bench: Bench, service: Service) -> None:
    """Check America/Montreal on 2020-11-01 and Europe/Berlin on 2026-03-29 in the API and in CSV."""
    for at in (
        "2020-11-01T05:30:00Z",
        "2020-11-01T06:30:00Z",
        "2020-11-01T06:45:00Z",
        "2026-03-29T01:10:00Z",
    ):
        moved(bench, at)
    montreal = "tz=America/Montreal&from=2020-11-01T00:00:00-04:00&to=2020-11-02T00:00:00-05:00"
    berlin = "tz=Europe/Berlin&from=2026-03-29T00:00:00%2B01:00&to=2026-03-30T00:00:00%2B02:00"
    for zone, hours, expected in (
        (montreal, 25, {"2020-11-01T01:00:00-04:00": 1, "2020-11-01T01:00:00-05:00": 2}),
        (berlin, 23, {"2026-03-29T03:00:00+02:00": 1}),
    ):
        body = quality(service, f"{zone}&group_by=hour")
        busy = {each["key"]["hour"]: each["counts"]["busy"] for each in body["data"]}
        assert len(busy) == hours
        assert {hour: n for hour, n in busy.items() if n} == expected
        rows = list(csv.DictReader(io.StringIO(service.get(f"{PATH}?{zone}&group_by=hour&format=csv").text)))
        assert {row["hour"]: int(row["busy"]) for row in rows} == busy
        [day] = quality(service, f"{zone}&group_by=day")["data"]
        assert day["counts"]["busy"] == sum(expected.values())
        assert body["total"]["counts"] == day["counts"]


def test_erased_calls_stay_in_metrics_of_whole_hours(bench: Bench, service: Service) -> None:
    call(bench, "a", status="completed", talk_seconds=30)
    call(bench, "b", status="busy")
    before = quality(service, f"{WINDOW}&group_by=route")
    bench.run(bench.store.write(erase_call("acme", "a", NOW_US)))
    after = quality(service, f"{WINDOW}&group_by=route")
    assert after["total"]["counts"] == {**before["total"]["counts"], "erased": 1}
    assert after["total"]["seconds"] == before["total"]["seconds"]
    # A filter that needs the calls themselves cannot read erased ones.
    assert quality(service, f"{WINDOW}&status=completed")["total"]["counts"]["attempts"] == 0


def test_comparison_marks_differences_beyond_chance(bench: Bench, service: Service) -> None:
    for n in range(60):
        call(bench, f"today-{n}", n, status="completed" if n % 10 else "failed", talk_seconds=9)
        call(bench, f"before-{n}", n - 86_400, status="failed" if n % 2 else "busy")
    body = quality(service, f"{WINDOW}&compare=previous&group_by=day")
    assert body["compared_window"]["from"] == "2026-09-20T00:00:00.000000Z"
    [group] = body["data"]
    change = group["compared"]["differences"]["answer_rate"]
    assert change["more_than_chance"] is True
    assert 0.8 < change["value"] <= change["high"]
    assert group["compared"]["counts"]["attempts"] == 60
    assert group["compared"]["differences"]["transfer_rate"]["more_than_chance"] is None


def test_admin_key_measures_all_tenants_or_one(bench: Bench, service: Service) -> None:
    bench.add_tenant("other")
    call(bench, "a", status="busy")
    call(bench, "b", tenant="other", status="completed", talk_seconds=30)
    body = quality(service, f"{WINDOW}&group_by=tenant", ADMIN)
    assert [(each["key"]["tenant"], each["counts"]["answered"]) for each in body["data"]] == [
        ("acme", 0),
        ("other", 1),
    ]
    assert body["total"]["counts"]["attempts"] == 2
    assert quality(service, f"{WINDOW}&tenant=other", ADMIN)["total"]["counts"]["attempts"] == 1
    assert service.get(f"{PATH}?tenant=nobody", ADMIN).status_code == 404
    # A tenant's own key reads its own calls only.
    assert quality(service, WINDOW)["total"]["counts"]["attempts"] == 1
    assert slug(service.get(f"{PATH}?tenant=other")) == "invalid-parameter"
    assert slug(service.get(f"{PATH}?group_by=tenant")) == "invalid-parameter"


def test_unmeasured_calls_are_reported(bench: Bench, service: Service) -> None:
    call(bench, "a", status="busy")
    with direct(bench.url) as db:
        db("UPDATE calls SET measured = NULL")
    assert quality(service, WINDOW)["unmeasured"] == 1


def test_key_without_the_scope_is_refused(service: Service) -> None:
    assert service.get(PATH, service.new_key("events:write")).status_code == 403
    assert service.get(PATH, {}).status_code == 401
