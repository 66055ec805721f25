"""A refold reads stored bodies again: calls of an earlier release become those of this one."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
import pytest

from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.list_query import ListQuery
from calltally.cli.migrate import fill
from calltally.ingest.callbacks import UnparsedBody, read_facts
from calltally.ingest.event_body import parse_body
from calltally.ingest.reread import Rereader
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.generic.mapping_packs import pack_text
from calltally.providers.registry import GENERIC, PROVIDERS, RECORDS, WEBHOOKS
from calltally.store.backends.open import migrate
from calltally.store.listing.list_calls import list_calls
from calltally.store.maintenance.refold_all import refold_calls, refold_position
from tests.conftest import TENANT, Bench, records_of
from tests.integration.store.probing import downgrade, submit, verdict
from tests.unit.providers.sampling import NOW_US, mapping_of, samples_of, signed
from tests.unit.providers.sampling import records_of as samples_in

# What the release before did not read of the bodies, and its words.
# The mapping of a tenant's own system, without values from around its events.
MAPPING: Final = """
provider = "pbx"
time_zone = "Europe/Berlin"
[fields]
call_sid = "ref"
status = "state"
started_at = "begun"
duration_seconds = "talk"
answered_by = "by"
error_code = "why"
[words.status]
over = "completed"
lost = "failed"
"""
CALLED: Final = {
    "ref": "pbx-1",
    "state": "over",
    "begun": "2026-08-22 10:00:00",
    "talk": 20,
    "by": "machine",
}
FAILED: Final = {"ref": "pbx-2", "state": "lost", "begun": "2026-08-22 10:00:00", "why": "34"}
MAPPINGS: Final = [mapping_of(GENERIC.name), MAPPING, "not a mapping"]
UNREAD_BEFORE: Final = ("hung_up_by", "unread_fields", "answered_by", "error_code")
FORMER: Final = {"remote-hung-up": "caller-hung-up", "local-hung-up": "agent-hung-up"}


def callbacks() -> list[Fact]:
    """Return the facts of all providers' callbacks, and of a tenant's own system by its mapping."""
    posted = Callback(
        "POST", "https://calls.example", {}, json.dumps([CALLED, FAILED]).encode(), NOW_US, mapping=MAPPING
    )
    found: list[Fact] = PROVIDERS[GENERIC.name].webhook.facts_of(posted)  # type: ignore[union-attr] # it has one
    for name in WEBHOOKS:
        for sent in samples_of(name).story:
            facts = read_facts(PROVIDERS[name], signed(name, sent))
            assert not isinstance(facts, UnparsedBody)
            found += facts
    return found


def listed() -> list[Fact]:
    """Return the facts of the providers' lists, and of files of switches with local times."""
    found: list[Fact] = []
    for name, read in RECORDS.items():
        lines = samples_in(name).file.splitlines(keepends=True)
        source = RecordSource(Channel.IMPORT, NOW_US, "its-account", "Asia/Kolkata", mapping=mapping_of(name))
        found += [each for each in read(lines, source) if isinstance(each, Fact)]
    return found


def own_events() -> list[Fact]:
    events = [
        {"id": "1", "call_sid": "own-1", "status": "completed", "end_reason": "caller-hung-up"},
        {"id": "2", "call_sid": "own-2", "status": "completed", "answered_by": "machine"},
    ]
    timed = [{**event, "occurred_at": "2026-08-22T08:00:00Z", "duration_seconds": 20} for event in events]
    parsed = parse_body(json.dumps(timed).encode(), ndjson=False, now_us=NOW_US)
    return [each.fact for each in parsed if each.fact is not None]


def former(fact: Fact) -> Fact:
    """Return a fact as the release before read it. The sample mapping reads values around its events."""
    if fact.provider == GENERIC.name:
        return fact
    stated: Any = {name: value for name, value in fact.stated.items() if name not in UNREAD_BEFORE}
    if "end_reason" in stated:
        stated["end_reason"] = FORMER.get(stated["end_reason"], stated["end_reason"])
    return msgspec.structs.replace(fact, stated=stated)


def calls_of(bench: Bench) -> dict[str, dict[str, Any]]:
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(limit=1_000))))
    written = ("revision", "updated_at")
    return {
        call["call_sid"]: {name: value for name, value in call.items() if name not in written}
        for call in records_of(page)
    }


def test_a_database_of_the_release_before_is_mended(new_bench: Callable[[], Bench]) -> None:
    facts = [*callbacks(), *listed(), *own_events()]
    present, bench = new_bench(), new_bench()
    for each in (present, bench):
        each.now_us = NOW_US
    submit(present, *facts)
    submit(bench, *map(former, facts))
    expected, before = calls_of(present), calls_of(bench)
    downgrade(bench.url, "0013")
    migrate(bench.url)
    assert bench.run(bench.store.read(refold_position(TENANT))) is not None
    bench.run(fill(bench.store, "0013"))
    reread = Rereader(PROVIDERS, MAPPINGS)
    while bench.run(bench.store.write(refold_calls(TENANT, 7, NOW_US, reread))):
        pass
    assert calls_of(bench) == expected
    changed = Counter(call["provider"] for sid, call in expected.items() if call != before[sid])
    mended: dict[str | None, int] = dict.fromkeys(["freeswitch", "pbx", "plivo", "twilio"], 2)
    mended |= dict.fromkeys([None, "asterisk", "elevenlabs", "telnyx", "vonage"], 1) | {"bland": 3}
    assert changed >= Counter(mended)
    assert verdict(bench).findings == []


def test_bodies_that_cannot_be_read_again_change_nothing() -> None:
    for fact in (*callbacks(), *listed(), *own_events()):
        for raw in (b"", b"\xff", b"{}", b"a=1"):
            cut = msgspec.structs.replace(fact, raw=raw)
            assert Rereader(PROVIDERS, MAPPINGS)(cut) == cut


def test_routes_of_the_time_of_receipt_are_kept() -> None:
    for fact in callbacks():
        routed: StatedFields = {**fact.stated, "mapped_route": "support", "mapped_agent": "vera"}
        again = Rereader(PROVIDERS, MAPPINGS)(msgspec.structs.replace(former(fact), stated=routed))
        assert again.stated == routed


def imported(header: str, row: str, zone: str, mapping: str) -> Fact:
    source = RecordSource(Channel.IMPORT, NOW_US, "main", zone, mapping=mapping)
    reader = RECORDS["generic" if mapping else "asterisk"]
    (fact,) = reader([f"{header}\n".encode(), f"{row}\n".encode()], source)
    assert isinstance(fact, Fact)
    return fact


CDR: Final = (
    "calldate,src,dst,disposition,duration,billsec,linkedid",
    "2026-08-22 07:40:00,1,2,ANSWERED,9,5,1.4",
)
PACK: Final = pack_text("cdr-stats")


def without_end(fact: Fact, moved_us: int = 0) -> Fact:
    """Return a fact as a release that knew less of its row would have read it."""
    stated: Any = {
        name: value for name, value in fact.stated.items() if name not in ("ended_us", "answered_us")
    }
    return msgspec.structs.replace(
        fact, stated={**stated, "started_us": fact.stated["started_us"] + moved_us}
    )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
def test_local_times_stay_in_the_zone_of_their_import(zone: str) -> None:
    fact = imported(*CDR, zone, "")
    reread = Rereader(PROVIDERS)
    assert reread(fact) == fact
    assert reread(without_end(fact)) == fact
    # No offset of a zone: this release reads another time, and which one is right is unknown.
    for moved_us in (1, 1_000_000, 40 * 3_600_000_000):
        assert reread(without_end(fact, moved_us)) == without_end(fact, moved_us)


def test_a_time_that_the_first_reading_lacked_is_added_only_with_another_to_compare() -> None:
    fact = imported(*CDR, "Europe/Berlin", "")
    timeless: Any = {n: value for n, value in fact.stated.items() if not n.endswith("_us")}
    stored = msgspec.structs.replace(fact, stated=timeless)
    assert Rereader(PROVIDERS)(stored) == stored


def test_bodies_of_mappings_need_the_mapping_that_gives_the_same_fact() -> None:
    for fact in callbacks()[:2]:
        stored = former(fact)
        assert stored != fact
        assert Rereader(PROVIDERS, MAPPINGS)(stored) == fact
        for other in ((), [MAPPING.replace("pbx", "other")], ['volatile = ["talk", "why"]' + MAPPING]):
            assert Rereader(PROVIDERS, other)(stored) == stored


def test_rows_of_a_mapping_pack_are_read_again() -> None:
    header = (
        "callid,caller_id_number,destination_number,starting_date,duration,billsec,hangup_cause_id,switch"
    )
    fact = imported(
        header, "c-1,14155550100,14155550123,2026-08-22 08:00:00,12,0,17,main", "Asia/Tokyo", PACK
    )
    stated: Any = {
        name: value for name, value in fact.stated.items() if name not in ("ended_us", "hangup_cause")
    }
    stored = msgspec.structs.replace(fact, stated=stated)
    assert Rereader(PROVIDERS, [PACK])(stored) == fact
    assert Rereader(PROVIDERS)(stored) == stored
