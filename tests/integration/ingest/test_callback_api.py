"""Callbacks through the whole application, on both databases."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from calltally.calls.windows import TimeWindow
from calltally.providers.registry import WEBHOOKS
from calltally.reconcile.window_status import window_status
from calltally.store.ledger.fact_queries import waiting_letters
from calltally.store.overview.activity import configured_providers
from calltally.store.tenants.dead_letters import count_dead_letters, list_dead_letters
from calltally.store.tenants.unlisted_fields import record_unlisted_field, unlisted_fields_of
from calltally.web.metrics.stored_counter import StoredCounter
from tests.conftest import TENANT, Bench
from tests.integration.ingest.service import ACCOUNT, HOST, INGEST, RINGING, SID, Service, outcomes, slug
from tests.integration.store.probing import direct
from tests.unit.providers.twilio.signing import FORM, TOKEN, Pairs, repeated, sdk_signature

PARKED: Pairs = [("CallSid", SID), ("CallStatus", "parked")]
# A conference ended: its calls are reported by other messages.
CONFERENCE: Pairs = [
    ("ConferenceSid", "CF" + "1" * 32),
    ("AccountSid", ACCOUNT),
    ("FriendlyName", "standup"),
    ("StatusCallbackEvent", "conference-end"),
    ("Timestamp", "Sat, 22 Aug 2026 08:00:42 +0000"),
]


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def test_callback_is_listed_with_route_and_repeat_changes_nothing(service: Service) -> None:
    first, again = service.call_back(RINGING), service.call_back(RINGING)
    assert (first.status_code, outcomes(first)) == (200, ["applied"])
    assert (again.status_code, outcomes(again)) == (200, ["duplicate"])
    (call,) = service.calls()
    assert first.json()["outcomes"][0]["call_id"] == call["id"]
    assert (call["call_sid"], call["status"], call["revision"]) == (SID, "ringing", 1)
    assert (call["route"], call["agent"], call["from_number"]) == (
        "appointments",
        "scheduler",
        "+14155550199",
    )
    assert service.metric('calltally_facts_total{outcome="duplicate",provider="twilio"} 1.0')


def test_time_of_the_last_authentic_callback_is_stored(service: Service) -> None:
    def received_us() -> int | None:
        return service.bench.run(service.bench.store.read(configured_providers(TENANT)))["twilio"]

    receipts = service.dependencies.provider_receipts
    service.call_back(RINGING, url=HOST + "/elsewhere")
    service.bench.run(receipts.written())
    assert received_us() is None
    service.call_back(RINGING)
    service.bench.run(receipts.written())
    assert received_us() == service.bench.now_us


def test_wrong_signature_and_unknown_tenant_get_the_same_response(service: Service) -> None:
    wrong = service.call_back(RINGING, url=HOST + "/elsewhere")
    nobody = service.call_back(RINGING, path="/api/v1/ingest/twilio/nobody")
    unsigned = service.request("POST", INGEST, b"CallSid=CA1", {"content-type": FORM})
    assert slug(wrong) == slug(nobody) == slug(unsigned) == (403, "wrong-signature")
    assert wrong.json()["detail"] == nobody.json()["detail"]
    assert service.calls() == []
    for reason, count in (("wrong-signature", 2), ("no-secret", 1)):
        labels = f'provider="twilio",reason="{reason}"'
        assert service.metric(f"calltally_signature_failures_total{{{labels}}} {count}.0")


def test_tenant_without_secret_refuses_callbacks(service: Service, bench: Bench) -> None:
    tenant = bench.new_tenant()
    assert slug(service.call_back(RINGING, path=f"/api/v1/ingest/twilio/{tenant}")) == (
        403,
        "wrong-signature",
    )


def test_unknown_provider_is_not_found(service: Service) -> None:
    answer = service.call_back(RINGING, path=f"/api/v1/ingest/none/{TENANT}")
    assert slug(answer) == (404, "not-found")
    assert "twilio" in answer.json()["detail"]


def test_new_secret_is_used_at_once_here_and_after_two_seconds_elsewhere(
    service: Service, bench: Bench
) -> None:
    service.put_secret("another")
    assert service.call_back(RINGING).status_code == 403
    service.put_secret(TOKEN)
    assert service.call_back(RINGING).status_code == 403
    bench.now_us += 2_000_000
    assert service.call_back(RINGING).status_code == 200
    admin = {"x-admin-key": "let-me-in"}
    body = json.dumps({"auth_token": "another"}).encode()
    service.request("PUT", f"/api/v1/admin/tenants/{TENANT}/providers/twilio", body, admin)
    assert service.call_back(RINGING).status_code == 403


def test_new_route_is_used_at_once(service: Service) -> None:
    service.call_back(RINGING)
    admin = {"x-admin-key": "let-me-in"}
    body = json.dumps({"numbers": ["+14155550101"], "agent": "greeter"}).encode()
    service.request("PUT", f"/api/v1/admin/tenants/{TENANT}/routes/front-desk", body, admin)
    service.call_back([("CallSid", "CA" + "3" * 32), ("CallStatus", "queued"), ("To", "+14155550101")])
    assert {call["route"] for call in service.calls()} == {"appointments", "front-desk"}


@pytest.mark.parametrize(
    ("public_url", "trust_proxy", "signed"),
    [
        ("https://calls.example.com", False, "https://calls.example.com"),
        ("https://calls.example.com/telephony", True, "https://calls.example.com/telephony"),
        (None, True, "https://front.example.com"),
        (None, False, HOST),
    ],
)
def test_signature_covers_the_public_url(
    bench: Bench, public_url: str | None, *, trust_proxy: bool, signed: str
) -> None:
    service = Service(bench, public_url=public_url, trust_proxy=trust_proxy)
    path = INGEST + "?leg=a%20b&x="
    forwarded = {"x-forwarded-proto": "https, http", "x-forwarded-host": "front.example.com, inner"}
    assert service.call_back(RINGING, path=path, url=signed + path, **forwarded).status_code == 200
    assert service.call_back(RINGING, path=path, url="https://other" + path, **forwarded).status_code == 403


def test_signature_covers_the_path_of_the_public_url_once(bench: Bench) -> None:
    service = Service(bench, public_url="https://calls.example.com/telephony")
    signed = f"https://calls.example.com/telephony{INGEST}"
    assert service.call_back(RINGING, path=f"/telephony{INGEST}", url=signed).status_code == 200


def test_signature_decides_on_an_invalid_query(service: Service) -> None:
    path = INGEST + "?a=%FF&a=%ED%A0%80&" + "b=1&" * 200
    assert service.call_back(RINGING, path=path).status_code == 200
    assert service.call_back(RINGING, path=path, url=HOST + INGEST).status_code == 403


def test_form_over_64_kib_is_refused(service: Service) -> None:
    size = 64 * 1024 - len(urlencode([*RINGING, ("Note", "")]))
    assert service.call_back([*RINGING, ("Note", "x" * size)]).status_code == 200
    assert slug(service.call_back([*RINGING, ("Note", "x" * (size + 1))])) == (413, "too-large")
    untyped = {"x-twilio-signature": "x", "content-type": ""}
    assert slug(service.request("POST", INGEST, b"x" * (64 * 1024 + 1), untyped)) == (413, "too-large")


@pytest.mark.parametrize(
    ("provider", "content_type", "most_kib"),
    [
        *(("twilio", "application/json", 5 * 1024), ("vapi", "application/json", 5 * 1024)),
        *(("freeswitch", FORM, 5 * 1024), ("generic-pbx", FORM, 5 * 1024)),
        *(
            ("telnyx", "application/json", 1024),
            ("jambonz", "application/json", 1024),
            ("telnyx", FORM, 64),
            ("vapi", FORM, 64),
        ),
        *(("plivo", "application/json", 64), ("signalwire", "application/json", 64)),
    ],
)
def test_body_limit_depends_on_the_provider(
    service: Service, provider: str, content_type: str, most_kib: int
) -> None:
    for tenant in (TENANT, "nobody"):
        path, headers = f"/api/v1/ingest/{provider}/{tenant}", {"content-type": content_type}
        assert slug(service.request("POST", path, b"x" * most_kib * 1024, headers)) == (
            403,
            "wrong-signature",
        )
        over = b"x" * (most_kib * 1024 + 1)
        assert slug(service.request("POST", path, over, headers)) == (413, "too-large")


def test_body_for_an_unknown_provider_is_not_read(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    answer = service.request("POST", f"/api/v1/ingest/none/{TENANT}", pieces())
    assert slug(answer) == (404, "not-found")


@pytest.mark.parametrize("provider", [*sorted(WEBHOOKS), "generic-dialler"])
def test_get_with_a_body_is_refused(service: Service, provider: str) -> None:
    path = f"/api/v1/ingest/{provider}/{TENANT}?CallSid={SID}"
    answer = service.request("GET", path, b"CallStatus=completed", {"content-type": FORM})
    assert slug(answer) == (400, "invalid-body")
    assert slug(service.request("GET", path)) == (403, "wrong-signature")


def test_signed_get_is_recorded_without_a_body_only(service: Service) -> None:
    path = f"{INGEST}?CallSid={SID}&AccountSid={ACCOUNT}&CallStatus=ringing"
    headers = {"x-twilio-signature": sdk_signature(HOST + path, repeated([]))}
    assert slug(service.request("GET", path, b"CallStatus=failed", headers)) == (400, "invalid-body")
    assert service.calls() == []
    assert service.request("GET", path, headers=headers).status_code == 200


def test_unparsed_callback_becomes_a_dead_letter(service: Service, bench: Bench) -> None:
    answers = [service.call_back(PARKED), service.call_back(PARKED)]
    assert [answer.status_code for answer in answers] == [202, 202]
    (outcome,) = answers[0].json()["outcomes"]
    assert (outcome["outcome"], outcome["call_id"], outcome["revision"]) == ("dead_letter", None, None)
    assert "'parked'" in outcome["reason"]
    assert service.calls() == []
    (letter,) = bench.run(bench.store.read(list_dead_letters(TENANT)))
    assert (letter.provider, letter.repeats, letter.reason) == ("twilio", 1, outcome["reason"])
    assert bench.run(bench.store.read(count_dead_letters(TENANT))) == {"twilio": 1}
    assert service.metric('calltally_dead_letters_total{provider="twilio"} 2.0')


def test_message_of_an_unknown_kind_is_stored_and_counted(service: Service, bench: Bench) -> None:
    answers = [service.call_back(CONFERENCE), service.call_back(CONFERENCE)]
    assert [(answer.status_code, outcomes(answer)) for answer in answers] == [(200, ["ignored"])] * 2
    assert "CallSid is missing" in answers[0].json()["outcomes"][0]["reason"]
    assert service.calls() == []
    assert bench.run(bench.store.read(list_dead_letters(TENANT))) == []
    assert bench.run(bench.store.read(waiting_letters(TENANT, 0))) == []
    with direct(bench.url) as db:
        assert db("SELECT provider, repeats, replayed_us IS NULL FROM dead_letters") == [("twilio", 1, False)]
    assert service.metric('calltally_unread_messages_total{kind="conference",provider="twilio"} 2.0')
    assert "calltally_dead_letters_total{" not in service.request("GET", "/metrics").text


def test_dead_letters_belong_to_one_tenant(service: Service, bench: Bench) -> None:
    service.call_back(PARKED)
    assert bench.run(bench.store.read(list_dead_letters(bench.new_tenant()))) == []
    assert bench.run(bench.store.read(list_dead_letters(TENANT, "vonage"))) == []


def test_unlisted_fields_are_counted_and_named_in_the_status(service: Service, bench: Bench) -> None:
    for number in range(2):
        assert service.call_back([*RINGING, ("BrandNew", str(number))]).status_code == 200
    assert service.metric('calltally_unlisted_fields_total{provider="twilio"} 2.0')
    counted = service.dependencies.unlisted_fields._counts
    assert counted == {(TENANT, "twilio", "BrandNew"): 2}

    async def write_counts() -> None:
        counter = StoredCounter(bench.store, lambda: bench.now_us, record_unlisted_field, interval_s=0)
        for key in [*counted, *counted, ("nobody", "twilio", "BrandNew")]:
            counter.count(key)
        assert counter._write_task is not None
        await counter._write_task

    bench.run(write_counts())
    bench.run(write_counts())
    [found] = bench.run(bench.store.read(unlisted_fields_of(TENANT)))
    assert (found.provider, found.name, found.callbacks) == ("twilio", "BrandNew", 4)
    window = TimeWindow(0, bench.now_us)
    remarks = bench.run(window_status(bench.store, TENANT, window, bench.now_us)).remarks
    assert "twilio sends 1 field or word that its coverage page does not list: BrandNew" in remarks


def test_names_of_a_provider_are_bounded(bench: Bench) -> None:
    for number in range(205):
        bench.run(bench.store.write(record_unlisted_field((TENANT, "twilio", f"n{number:03}"), 1, 1)))
    bench.run(bench.store.write(record_unlisted_field((TENANT, "twilio", "n001"), 1, 2)))
    found = bench.run(bench.store.read(unlisted_fields_of(TENANT)))
    assert len(found) == 200
    assert {each.name: (each.callbacks, each.last_us) for each in found}["n001"] == (2, 2)
