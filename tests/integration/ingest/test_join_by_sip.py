"""Reports of two sources with one SIP Call-ID, or with a carrier's id in a SIP header, are one record."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from calltally.calls.events import Fact
from calltally.calls.identity import Node
from calltally.providers.callback import Callback
from calltally.providers.platform_reports import carrier_links_in_headers
from calltally.providers.registry import WEBHOOKS
from calltally.store.db.interface import Submission
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import listed, verdict
from tests.unit.providers.freeswitch import samples as freeswitch
from tests.unit.providers.jambonz import samples as jambonz
from tests.unit.providers.kamailio import samples as kamailio
from tests.unit.providers.retell import samples as retell
from tests.unit.providers.sampling import NOW_US, Sent
from tests.unit.providers.telnyx import samples as telnyx
from tests.unit.providers.twilio.samples import status as twilio_status

CALL_ID = "9f1c2b7e@192.0.2.10"
TWILIO_SID = "CA" + "9" * 32


def facts(name: str, *sent: Sent) -> list[Fact]:
    """Return the facts of a provider's requests, signed or not."""
    return [
        fact
        for each in sent
        for fact in WEBHOOKS[name].facts_of(
            Callback("POST", "", {"content-type": each.content_type}, each.body, NOW_US)
        )
    ]


def of_kamailio() -> list[Fact]:
    events = [
        kamailio.event("started", CALL_ID, 0),
        kamailio.event("answered", CALL_ID, 9),
        kamailio.event("ended", CALL_ID, 42),
    ]
    return facts("kamailio", *map(kamailio.body, events))


def of_freeswitch() -> list[Fact]:
    variables = freeswitch.variables(freeswitch.A_LEG, sip_call_id=CALL_ID, **freeswitch.ANSWERED)
    return facts("freeswitch", Sent(json.dumps(freeswitch.record(**variables)).encode()))


def of_jambonz() -> list[Fact]:
    reported = [jambonz.status("in-progress", 200, call_id=CALL_ID)]
    return facts("jambonz", *reported, jambonz.status("completed", 200, duration=33, call_id=CALL_ID))


def of_twilio() -> list[Fact]:
    reported = [twilio_status(TWILIO_SID, "in-progress", 9, 2, SipCallId=CALL_ID)]
    ended = twilio_status(TWILIO_SID, "completed", 42, 3, SipCallId=CALL_ID, CallDuration="33")
    return facts("twilio", *reported, ended)


def submit(bench: Bench, reported: Sequence[Fact]) -> None:
    for fact in reported:
        bench.run(bench.store.submit([Submission(TENANT, fact)]))


@pytest.mark.parametrize("other", [of_freeswitch, of_jambonz, of_twilio])
def test_switch_and_provider_behind_it_report_one_call(bench: Bench, other: Any) -> None:  # noqa: ANN401 (a function)
    reported = [*of_kamailio(), *other()]
    for order in (reported, reported[::-1]):
        submit(bench, order)
        [call] = listed(bench)
        assert call["status"] == "completed"
        assert verdict(bench).findings == []


def test_report_without_call_id_stays_a_separate_call(bench: Bench) -> None:
    """Peers, point 7: one id, one call. Calls are joined by an id of both, by nothing else."""
    submit(bench, [*of_kamailio(), *facts("jambonz", jambonz.status("trying", 100))])
    assert len(listed(bench)) == 2


def retell_report(headers: Mapping[str, str]) -> Sent:
    """Return the report of a call over a trunk other than Twilio's: it names no carrier's id."""
    call = {**retell.call("call_sip"), **retell.ANALYSED, "custom_sip_headers": headers}
    return retell.event("call_analyzed", call)


def test_retell_report_joins_another_carriers_call_by_header(bench: Bench) -> None:
    """Two sources, any carrier: the trunk sends the carrier's id of the call."""
    carrier = facts(
        "telnyx",
        telnyx.event("call.initiated", telnyx.TALK, 0, direction="incoming"),
        telnyx.event("call.answered", telnyx.TALK, 10),
        telnyx.hangup(telnyx.TALK, 52, "normal_clearing", "200", "caller"),
    )
    report = facts("retell", retell_report({"X-Calltally-Call-Sid": telnyx.TALK}))
    submit(bench, [*report, *carrier])
    [call] = listed(bench)
    assert (call["call_sid"], call["provider"], call["summary"]) == (telnyx.TALK, "telnyx", "Booked a table.")
    assert (call["session_id"], call["duration_seconds"]) == ("call_sip", 42)


def test_retell_report_joins_a_call_of_the_tenants_switch(bench: Bench) -> None:
    submit(bench, [*of_kamailio(), *facts("retell", retell_report({"x-calltally-call-sid": CALL_ID}))])
    [call] = listed(bench)
    assert (call["call_sid"], call["provider"], call["session_id"]) == (CALL_ID, "kamailio", "call_sip")


@pytest.mark.parametrize(
    ("headers", "sids"),
    [
        ({"X-Twilio-CallSid": "CA1"}, ["CA1"]),
        ({"X-CALLTALLY-CALL-SID": "v3:1", "x-twilio-callsid": "v3:1"}, ["v3:1"]),
        ({"x-other": "1", "x-twilio-callsid": ""}, []),
        ({"x-twilio-callsid": {"a": 1}}, []),
        (None, []),
        ("x-twilio-callsid: CA1", []),
    ],
)
def test_headers_with_a_carriers_call_id(headers: object, sids: list[str]) -> None:
    assert carrier_links_in_headers(headers) == tuple(Node(sid, is_carrier=True) for sid in sids)
