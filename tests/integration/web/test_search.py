"""`q` over HTTP: words in summaries, equal on both databases, with all other filters and exact totals."""

from typing import Any, cast
from urllib.parse import quote

import pytest

from calltally.calls.identity import Node
from calltally.store.listing import sid_prefix
from tests.conftest import TENANT
from tests.integration.store.probing import submit, verdict
from tests.integration.web.service import ADMIN, LIST, Service, invalid_parameters, slug
from tests.integration.web.walking import erase, page, sids, walk
from tests.sample_facts import own

SUMMARIES = {
    "plain": "Customer confirmed appointment time.",
    "moved": "Customer moved the appointment; a re-booking fee applies (Invoice 2026/10-4711).",
    "german": "Kundin möchte eine Rückzahlung für die Straße 5, sagt die Ärztin.",
    "decomposed": "Ru\u0308ckzahlung zugesagt",
    "hindi": "ग्राहक ने अपॉइंटमेंट की पुष्टि की",
    "thai": "ลูกค้า ยกเลิก นัด",
    "marked": "pressed 1\ufe0f\u20e3 and was happy ❤\ufe0f",
    "quoted": """O'Neill said: "a & b | c" \\ <-> !d:* (NOT near) -- ; DROP""",
    "none": None,
    "long": "word " * 3_000 + "lastword " + "x" * 300,
}

SEARCHES = {
    "appointment": {"plain", "moved"},
    "APPOINTMENT": {"plain", "moved"},
    "appointment customer": {"plain", "moved"},
    "time customer": {"plain"},
    "customer refund": set(),
    "appoint": set(),
    "appoint*": {"plain", "moved"},
    "conf* tim*": {"plain"},
    "pointment": set(),
    "re-booking": {"moved"},
    "re-book*": {"moved"},
    "2026/10-4711": {"moved"},
    "4711": {"moved"},
    "471*": {"moved"},
    "Rückzahlung": {"german", "decomposed"},
    "RU\u0308CKZAHLUNG": {"german", "decomposed"},
    "Ruckzahlung": set(),
    "rück*": {"german", "decomposed"},
    "STRASSE": {"german"},
    "ärzt*": {"german"},
    "अपॉइंटमेंट": {"hindi"},
    "ग्राहक पुष्टि": {"hindi"},
    "अपॉ*": {"hindi"},
    "ยกเลิก": {"thai"},
    "ยก*": {"thai"},
    "1": {"marked"},
    "happy ❤\ufe0f": {"marked"},
    "o'neill": {"quoted"},
    '"a & b"': {"quoted"},
    "not near": {"quoted"},
    "a OR nothing": set(),
    "drop -- ;": {"quoted"},
    "!d:* near": {"quoted"},
    "summary": set(),
    "lastword": {"long"},
    "x" * 64: {"long"},
    "x" * 200: {"long"},
    "x*": {"long"},
}


@pytest.fixture
def listed(service: Service) -> Service:
    """Record a call for each summary, a minute apart."""
    submissions = [
        own(
            60 * number,
            sid,
            status=("busy", "failed")[number % 2],
            **cast("Any", {} if text is None else {"summary": text}),
        )
        for number, (sid, text) in enumerate(SUMMARIES.items())
    ]
    submit(service.bench, *submissions)
    return service


def found(service: Service, q: str, more: str = "") -> set[str]:
    found = page(service, f"limit=1000&q={quote(q, safe='')}{more}")
    assert found["total"] == len(found["data"])
    return set(sids(found))


def test_words_in_any_script_are_found(listed: Service) -> None:
    assert {q: found(listed, q) for q in SEARCHES} == SEARCHES


@pytest.mark.parametrize("q", ["❤", "👍🏽 😀", "❤\ufe0f", "...", "*", "%20", "--", "\u0301"])
def test_a_search_without_a_letter_or_a_digit_is_refused(service: Service, q: str) -> None:
    assert invalid_parameters(service.get(f"{LIST}?q={quote(q, safe='%')}")) == ["q"]


def test_too_long_value_is_refused(service: Service) -> None:
    assert invalid_parameters(service.get(f"{LIST}?q={'x' * 201}")) == ["q"]
    many = " ".join(f"w{number}" for number in range(50))
    assert page(service, f"q={quote(many)}")["total"] == 0


FILTERS = {
    "status=completed": range(0, 30, 3),
    "direction=inbound": range(0, 30, 2),
    "status=completed&direction=inbound": range(0, 30, 6),
    "route=sales": [n for n in range(30) if n % 4 < 2],
    "route=sales&agent=vera": [n for n in range(30) if n % 4 < 2 and n % 5 < 3],
    "number=100": range(0, 30, 2),
    "escalated=true": range(0, 30, 3),
    "escalated=false&number=101": [n for n in range(30) if n % 3 and n % 2],
    "call_sid=call-04": [4],
    "from=2026-09-21T14:19:00Z&to=2026-09-21T14:24:00Z": range(5, 10),
    "provider=none": [],
}


def test_search_combines_with_all_filters_and_has_an_exact_total(service: Service) -> None:
    submissions = [
        own(
            60 * number,
            f"call-{number:02}",
            status=("completed", "ringing", "busy")[number % 3],
            direction=("inbound", "outbound")[number % 2],
            route=("sales", "support")[number % 4 // 2],
            agent=("vera", "otto")[number % 5 // 3],
            escalated=number % 3 == 0,
            from_number=str(100 + number % 2),
            summary="Asked for a refund." if number < 20 else "Nothing was said.",
        )
        for number in range(30)
    ]
    submit(service.bench, *submissions)
    for more, numbers in FILTERS.items():
        expected = [f"call-{number:02}" for number in numbers if number < 20]
        for order, wanted in (("asc", expected), ("desc", expected[::-1])):
            query = f"q=refund&{more}&order={order}"
            assert [call["call_sid"] for call in walk(service, query)] == wanted
            assert page(service, f"{query}&limit=1&offset=1")["total"] == len(expected)
            behind = page(service, f"{query}&offset=1000")
            assert (behind["data"], behind["total"]) == ([], len(expected))


def test_replaced_words_are_found_only_in_old_snapshots(listed: Service) -> None:
    before = page(listed, "q=appointment")
    changed = own(9_000, "plain", event_id="e", summary="Asked for a refund.")
    submit(listed.bench, changed)
    assert found(listed, "appointment") == {"moved"}
    assert found(listed, "refund") == {"plain"}
    token = before["snapshot"]
    assert page(listed, f"q=appointment&snapshot={token}") == before
    assert page(listed, f"q=refund&snapshot={token}")["total"] == 0


def test_a_commit_may_have_new_words_and_changed_ones_in_any_order(listed: Service) -> None:
    new = own(1, "new", summary="Asked for a receipt.")
    changed = own(9_000, "plain", event_id="e", summary="Asked for a refund.")
    newer = own(2, "newer", summary="Asked for nothing.")
    submit(listed.bench, new, changed, newer)
    assert found(listed, "asked") == {"new", "plain", "newer"}
    assert found(listed, "confirmed") == set()
    assert verdict(listed.bench).findings == []


def test_a_change_that_leaves_the_summary_leaves_it_findable(listed: Service) -> None:
    submit(listed.bench, own(9_000, "plain", event_id="e", status="completed", tags=["vip"]))
    (call,) = page(listed, "q=confirmed")["data"]
    assert (call["call_sid"], call["tags"]) == ("plain", ["vip"])


def test_merged_calls_are_found_by_the_words_of_the_merged_record(service: Service) -> None:
    submit(service.bench, own(1, "a", summary="Asked for a refund."), own(2, "b", summary="Moved."))
    before = page(service, "q=refund")
    submit(service.bench, own(3, "b", event_id="link", links=(Node("a", is_carrier=False),)))
    (call,) = page(service)["data"]
    assert call["summary"] == "Moved."
    assert found(service, "moved") == {call["call_sid"]}
    assert found(service, "refund") == set()
    assert page(service, f"q=refund&snapshot={before['snapshot']}") == before


def test_erased_words_are_not_found_in_any_snapshot(listed: Service) -> None:
    token = page(listed)["snapshot"]
    erase(listed.bench, "plain")
    assert found(listed, "confirmed") == set()
    assert found(listed, "appointment") == {"moved"}
    answer = listed.get(f"{LIST}?q=confirmed&snapshot={token}")
    assert (answer.status_code, slug(answer)) == (410, "snapshot-gone")


def test_another_tenants_words_are_not_found(listed: Service) -> None:
    theirs = listed.new_key("calls:read", tenant=listed.bench.add_tenant("bolt"))
    submit(listed.bench, own(1, "theirs", summary="Customer confirmed."), tenant="bolt")
    for q in ("customer", "cust*", "customer confirmed"):
        assert "theirs" not in found(listed, q)
        assert sids(page(listed, f"q={quote(q)}", theirs)) == ["theirs"]
    assert page(listed, "q=appointment", theirs)["total"] == 0


def test_search_does_not_change_the_ledger(listed: Service) -> None:
    erase(listed.bench, "german")
    assert verdict(listed.bench).findings == []


PARTIES = {
    "us": "+14155550164",
    "other-us": "+12125550164",
    "german": "+49301234567",
    "dialled": "0301234567",
    "formatted": "415-555 0164",
    "address": "sip:0164@example.com",
    "short": "164",
}
NUMBERS = {
    "%2B14155550164": {"us"},
    "%2B1 (415) 555-0164": {"us"},
    " 14155550164": {"us"},
    "14155550164": {"us"},
    "(415) 555-0164": {"us", "formatted"},
    "415-555-0164": {"us", "formatted"},
    "415\u2011555\u20130164": {"us", "formatted"},
    "5550164": {"us", "other-us", "formatted"},
    "0164": {"us", "other-us", "formatted"},
    "164": {"short"},
    "0301234567": {"dialled"},
    "030 1234567": {"dialled"},
    "0049 30 1234567": {"german"},
    "4567": {"german", "dialled"},
    "99990164": set(),
}


def test_number_is_found_in_any_writing_and_by_its_last_digits(service: Service) -> None:
    parties = enumerate(PARTIES.items())
    submit(service.bench, *(own(60 * at, sid, from_number=number) for at, (sid, number) in parties))
    for number, expected in NUMBERS.items():
        listed = page(service, f"number={quote(number, safe='%')}")
        assert (set(sids(listed)), listed["total"]) == (expected, len(expected)), number


def test_country_of_the_tenant_reads_national_numbers(service: Service) -> None:
    submit(service.bench, own(0, "german", from_number=PARTIES["german"]), own(1, "other", from_number="+1"))
    assert sids(page(service, "number=0301234567")) == []
    put = f"/api/v1/admin/tenants/{TENANT}/country"
    assert service.send(put, {"default_country": "DE"}, ADMIN, "PUT").status_code == 204
    assert sids(page(service, "number=0301234567")) == ["german"]
    of_admin = service.get(f"{LIST}?number=0301234567&tenant={TENANT}", ADMIN)
    assert [call["call_sid"] for call in of_admin.json()["data"]] == ["german"]
    for unknown in ("de", "XX", "Germany"):
        refused = service.send(put, {"default_country": unknown}, ADMIN, "PUT")
        assert invalid_parameters(refused) == ["default_country"]
    assert service.send(put, {"default_country": None}, ADMIN, "PUT").status_code == 204
    assert sids(page(service, "number=0301234567")) == []


def test_erased_number_is_found_by_no_ending(service: Service) -> None:
    submit(service.bench, *(own(60 * at, sid, from_number=PARTIES["us"]) for at, sid in enumerate("ab")))
    before = page(service, "number=0164")
    assert set(sids(before)) == {"a", "b"}
    erase(service.bench, "a")
    assert sids(page(service, "number=0164")) == ["b"]
    gone = service.get(f"{LIST}?number=0164&snapshot={before['snapshot']}")
    assert (gone.status_code, slug(gone)) == (410, "snapshot-gone")


def test_changed_number_is_found_only_in_old_snapshots(service: Service) -> None:
    submit(service.bench, own(0, "a", from_number=PARTIES["us"]))
    before = page(service, "number=0164")["snapshot"]
    submit(service.bench, own(60, "a", event_id="corrected", from_number=PARTIES["german"], sequence=2))
    moved = page(service, "number=4567")
    assert (sids(moved), page(service, "number=0164")["total"]) == (["a"], 0)
    assert sids(page(service, f"number=0164&snapshot={before}")) == ["a"]
    assert page(service, f"number=4567&snapshot={before}")["total"] == 0


def test_call_is_found_by_the_beginning_of_any_of_its_sids(service: Service) -> None:
    carrier = "CA" + "12ab" * 8
    submit(
        service.bench,
        own(0, carrier),
        own(0, "platform-0001"),
        own(60, "platform-0002"),
        own(120, "Platform-0003"),
    )
    assert sids(page(service, "call_sid_prefix=CA12ab")) == [carrier]
    assert set(sids(page(service, "call_sid_prefix=platform-"))) == {"platform-0001", "platform-0002"}
    assert sids(page(service, "call_sid_prefix=platform-0002")) == ["platform-0002"]
    assert page(service, "call_sid_prefix=platform-0009")["total"] == 0
    assert invalid_parameters(service.get(f"{LIST}?call_sid_prefix=CA12a")) == ["call_sid_prefix"]


def test_too_many_sids_that_begin_alike_need_more_characters(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sid_prefix, "MAX_PREFIXED_SIDS", 2)
    submit(service.bench, *(own(60 * at, f"call-00{at}") for at in range(3)))
    refused = service.get(f"{LIST}?call_sid_prefix=call-00")
    assert invalid_parameters(refused) == ["call_sid_prefix"]
    assert "send more characters" in refused.text
    assert sids(page(service, "call_sid_prefix=call-001")) == ["call-001"]
