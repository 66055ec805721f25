"""The settings page over a real store: sections by rights, and forms."""

import re
from html import unescape

import pytest

from calltally.store.tenants.api_keys import record_key_use
from calltally.store.tenants.dead_letters import record_failures
from calltally.store.tenants.unlisted_fields import record_unlisted_field
from tests.conftest import TENANT
from tests.integration.web.dashboard.browsing import Browser
from tests.integration.web.service import ADMIN, Service

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def admin(browser: Browser) -> Browser:
    """Return the administrator's browser with the tests' tenant."""
    browser.sign_in(ADMIN["x-admin-key"], tenant=TENANT)
    browser.get("/settings")
    return browser


def page(browser: Browser, query: str = "") -> str:
    answer = browser.get(f"/settings{query}")
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def signed_in(browser: Browser, *scopes: str) -> Browser:
    browser.sign_in(browser.service.new_key(*scopes)["authorization"].removeprefix("Bearer "))
    browser.get("/settings")
    return browser


def test_a_reader_sees_the_rules_alone(browser: Browser) -> None:
    displayed = page(signed_in(browser, "calls:read"))
    assert "API keys, routes, providers, masking, retention and tenants need the admin key." in displayed
    assert "To see and change alert destinations, your key needs the scope alerts:write." in displayed
    assert (
        "To see and change webhook endpoints, your key needs the scope webhooks:write. It has calls:read."
        in displayed
    )
    assert "To change the rules, your key needs the scope alerts:write." in displayed
    assert all(
        f'action="/settings/{name}"' not in displayed for name in ("keys", "endpoints", "rules", "tenants")
    )


def test_admin_forms_need_the_admin_key(browser: Browser) -> None:
    signed_in(browser, "calls:read", "alerts:write", "webhooks:write")
    names = [*("keys", "revoked-keys", "routes", "providers", "checks", "retention", "tenants", "look")]
    names += ["masking", "escalation", "country"]
    assert {browser.post(f"/settings/{name}").status_code for name in names} == {403}


def test_key_is_created_displayed_once_and_revoked(admin: Browser) -> None:
    answer = admin.post("/settings/keys", name="desk", scope="calls:read")
    [key] = re.findall(r"ct_acme_[A-Za-z0-9_-]{43}", answer.text)
    assert admin.service.get("/api/v1/call-logs", {"authorization": f"Bearer {key}"}).status_code == 200
    displayed = page(admin)
    assert key not in displayed
    [key_id] = re.findall(r'<th scope="row">desk</th><td[^>]*><code>(key_[0-9a-f]+)</code></td>', displayed)
    assert admin.post("/settings/revoked-keys", key=key_id, next="/settings#api_keys").status_code == 303
    assert admin.service.get("/api/v1/call-logs", {"authorization": f"Bearer {key}"}).status_code == 401
    assert "revoked 20" in page(admin)
    assert admin.post("/settings/keys", name="none").status_code == 400


def test_route_is_replaced(admin: Browser) -> None:
    numbers = "+14155550100\n+14155550101, +14155550102"
    admin.post("/settings/routes", route="support", agent="vera", provider="twilio", numbers=numbers)
    assert "+14155550100, +14155550101, +14155550102" in page(admin)
    admin.post("/settings/routes", route="support")
    assert "+14155550100" not in page(admin)
    assert admin.post("/settings/routes", route="two words").status_code == 400


def test_secrets_are_stored_and_never_displayed(admin: Browser) -> None:
    assert 'name="secret.auth_token"' in page(admin, "?provider=twilio")
    assert "Secrets of nobody" not in page(admin, "?provider=nobody")
    fields = {"provider": "twilio", "secret.auth_token": SECRET}
    assert admin.post("/settings/providers", None, **fields).status_code == 303
    displayed = page(admin)
    assert (SECRET in displayed, displayed.count("stored")) == (False, 1)
    assert admin.post("/settings/providers", None, provider="twilio").status_code == 400


def test_test_callback_shows_whether_a_real_one_is_accepted(admin: Browser) -> None:
    own = "http://test/api/v1/ingest/twilio/acme"
    assert "No secret is stored for twilio" in admin.post("/settings/checks", provider="twilio", url=own).text
    admin.post("/settings/providers", None, **{"provider": "twilio", "secret.auth_token": SECRET})
    assert "is accepted" in admin.post("/settings/checks", provider="twilio", url=own).text
    elsewhere = admin.post("/settings/checks", provider="twilio", url="https://calls.example/hook").text
    assert "is refused" in elsewhere
    assert own in elsewhere
    admin.post("/settings/providers", None, **{"provider": "kamailio", "secret.secret": SECRET})
    assert "can be decrypted" in admin.post("/settings/checks", provider="kamailio").text


def test_fields_that_no_page_lists_are_listed_with_the_provider(admin: Browser) -> None:
    bench = admin.service.bench
    record = record_unlisted_field((TENANT, "twilio", "BrandNew"), 3, bench.now_us)
    bench.run(bench.store.write(record))
    assert "fields or values that the provider does not document (1): <code>BrandNew</code>" in page(admin)


def test_wrong_signatures_are_listed_with_the_provider(admin: Browser) -> None:
    bench = admin.service.bench
    bench.run(bench.store.write(record_failures((TENANT, "twilio"), 7, bench.now_us)))
    assert "7 wrong signatures" in page(admin)


def test_retention_is_set(admin: Browser) -> None:
    admin.post("/settings/retention", days="365")
    assert 'value="365"' in page(admin)
    admin.post("/settings/retention", days="")
    assert 'value="365"' not in page(admin)
    assert [admin.post("/settings/retention", days=days).status_code for days in ("soon", "0")] == [400, 400]


def test_masking_escalations_and_country_are_set(admin: Browser) -> None:
    admin.post("/settings/masking", masks="on")
    admin.post("/settings/escalation", bridged="on")
    admin.post("/settings/country", country="de")
    displayed = page(admin)
    assert displayed.count('name="masks" value="on" checked') == 1
    assert displayed.count('name="bridged" value="on" checked') == 1
    assert 'name="country" type="text" size="4" value="DE"' in displayed
    [tenant] = admin.service.get("/api/v1/admin/tenants", ADMIN).json()["data"]
    assert (tenant["masks_numbers"], tenant["bridged_is_escalation"]) == (True, True)
    admin.post("/settings/masking")
    assert 'name="masks" value="on" checked' not in page(admin)
    wrong = admin.post("/settings/country", country="Germany")
    assert (wrong.status_code, 'value="Germany"' in wrong.text) == (400, True)


def test_a_refused_form_keeps_what_was_typed(admin: Browser) -> None:
    numbers = "+14155550100\nhello"
    refused = admin.post("/settings/routes", route="two words", agent="vera", numbers=numbers)
    displayed = unescape(refused.text)
    assert refused.status_code == 400
    assert 'name="route" type="text" size="14" value="two words" required aria-invalid="true"' in displayed
    assert '<small class="fault">' in displayed
    assert 'name="agent" type="text" size="14" value="vera"' in displayed
    assert f"{numbers}</textarea>" in displayed
    assert 'role="alert">Not saved: ' in displayed
    refused = admin.post("/settings/keys", name="front desk")
    assert 'value="front desk"' in refused.text
    assert 'value="calls:read" checked' not in refused.text
    admin.post("/settings/tenants", id="other")
    again = admin.post("/settings/tenants", id="other", name="The Other One")
    assert (again.status_code, 'value="The Other One"' in again.text) == (409, True)


def test_a_route_is_changed_from_its_values(admin: Browser) -> None:
    admin.post("/settings/routes", route="support", agent="vera", numbers="+14155550100")
    displayed = page(admin, "?route=support")
    assert 'href="/settings?route=support#routes"' in displayed
    assert 'name="agent" type="text" size="14" value="vera"' in displayed
    assert "+14155550100</textarea>" in displayed


def test_keys_have_their_last_use(admin: Browser) -> None:
    bench = admin.service.bench
    key = admin.service.get("/api/v1/admin/tenants/acme/api-keys", ADMIN).json()["data"][0]["id"]
    assert "never</td>" in page(admin)
    bench.run(bench.store.write(record_key_use(TENANT, key, bench.now_us)))
    row = page(admin).partition(f"<code>{key}</code>")[2].partition("</tr>")[0]
    assert row.count('class="steady">20') == 2


def test_administrator_creates_and_opens_a_tenant(admin: Browser) -> None:
    admin.post("/settings/tenants", id="other", name="Other", next="/settings#tenants")
    assert ">Open<" in page(admin)
    assert admin.post("/settings/look", tenant="other", next="/settings").status_code == 303
    assert '<span class="tenant" title="Tenant">other</span>' in page(admin)
    assert admin.post("/settings/look", tenant="nobody").status_code == 404
    assert admin.post("/settings/tenants", id="other").status_code == 409


def test_rules_need_their_scope(browser: Browser) -> None:
    signed_in(browser, "calls:read", "alerts:write")
    assert browser.post("/settings/rules", rules='{"false_alarms_a_week": 0.5}').status_code == 303
    assert '"false_alarms_a_week": 0.5' in page(browser)
    assert browser.post("/settings/rules", rules="{not json").status_code == 400
    browser.post("/settings/rules", rules="")
    assert 'false_alarms_a_week": 0.5' not in page(browser)
    assert browser.post("/settings/endpoints", url="https://hooks.example/x").status_code == 403


def test_endpoint_is_created_paused_resumed_and_deleted(service: Service) -> None:
    browser = signed_in(Browser(service), "calls:read", "webhooks:write")
    made = browser.post(
        "/settings/endpoints",
        url="https://203.0.114.7/x",
        description="billing",
        event="voice.call.completed",
    )
    assert made.status_code == 200, made.text
    assert "whsec_" in made.text
    displayed = page(browser)
    assert ("whsec_" in displayed, "voice.call.completed</td>" in displayed) == (False, True)
    [endpoint] = set(re.findall(r'name="endpoint" value="([^"]+)"', displayed))
    form = {"endpoint": endpoint, "url": "https://203.0.114.7/y", "route": "sales", "direction": "inbound"}
    edited = page(browser, f"?endpoint={endpoint}")
    assert 'name="description" type="text" size="18" value="billing"' in edited
    assert browser.post("/settings/endpoints", None, **form).status_code == 303
    displayed = page(browser, f"?endpoint={endpoint}")
    assert ('value="https://203.0.114.7/y"' in displayed, 'value="sales"' in displayed) == (True, True)
    refused = browser.post("/settings/endpoints", None, **{**form, "route": "two words"})
    assert (refused.status_code, 'value="two words" aria-invalid="true"' in refused.text) == (400, True)
    assert "whsec_" in browser.post("/settings/endpoints/rotate", endpoint=endpoint).text
    browser.post("/settings/endpoints/pause", endpoint=endpoint)
    assert "paused by request" in page(browser)
    browser.post("/settings/endpoints/resume", endpoint=endpoint)
    assert "paused by request" not in page(browser)
    assert browser.post("/settings/endpoints/shout", endpoint=endpoint).status_code == 404
    browser.post("/settings/endpoints/delete", endpoint=endpoint)
    assert "No webhook endpoints" in page(browser)
    assert browser.post("/settings/rules", rules="{}").status_code == 403
