"""Mapping packs on samples in the vendors' shape: in order, shuffled and repeated; times; signatures."""

import csv
import io
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.times import utc_text
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.generic.bodies import facts_of, list_facts
from calltally.providers.generic.challenge import answer_challenge
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.mapping_packs import pack_names, pack_text, pack_title
from calltally.providers.generic.signature import verify
from calltally.providers.registry import PROVIDERS
from tests.unit.providers.generic import pack_tables
from tests.unit.providers.generic.pack_samples import SAMPLES
from tests.unit.providers.generic.pack_shape import PackSamples
from tests.unit.providers.sampling import HOST, NOW_US

SIGNED = [name for name, samples in SAMPLES.items() if samples.secret]


def read(mapping: str, bodies: Sequence[bytes], time_zone: str = "UTC") -> list[Fact]:
    source = RecordSource(Channel.IMPORT, NOW_US, time_zone=time_zone, mapping=mapping)
    items = [item for body in bodies for item in list_facts(body.splitlines(keepends=True), source)]
    assert not any(isinstance(item, UnreadableRecord) for item in items), items
    return [item for item in items if isinstance(item, Fact)]


def records(facts: Sequence[Fact]) -> dict[str, dict[str, object]]:
    """Fold the facts of each call."""
    calls: dict[Node, list[Fact]] = {}
    for fact in facts:
        calls.setdefault(Node(fact.call_sid, is_carrier=fact.is_carrier), []).append(fact)
    folded = {node.call_sid: fold("acme", node, of_call).call for node, of_call in calls.items()}
    return {sid: msgspec.to_builtins(call) for sid, call in folded.items()}


def check(facts: Sequence[Fact], calls: Mapping[str, Mapping[str, object]]) -> None:
    found = records(facts)
    assert {sid: {name: found[sid][name] for name in fields} for sid, fields in calls.items()} == calls
    assert found.keys() == calls.keys()


def test_each_pack_has_samples_and_names_its_sources_and_limits() -> None:
    assert sorted(SAMPLES) == pack_names()
    for name in pack_names():
        head = pack_text(name).partition("provider = ")[0]
        assert pack_title(name)
        assert "# Sources: " in head
        assert "# Limits:\n# - " in head
        assert compile_mapping(pack_text(name)).provider == name
        assert name not in PROVIDERS


@pytest.mark.parametrize("name", SAMPLES)
def test_a_pack_gives_the_same_records_in_order_shuffled_and_repeated(name: str) -> None:
    facts = read(pack_text(name), SAMPLES[name].bodies)
    check(facts, SAMPLES[name].calls)
    check([*facts, *facts], SAMPLES[name].calls)
    check(facts[::-1], SAMPLES[name].calls)
    for seed in range(20):
        check(random.Random(seed).sample([*facts, *facts], 2 * len(facts)), SAMPLES[name].calls)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_repeated_body_is_identified(name: str) -> None:
    facts = read(pack_text(name), SAMPLES[name].bodies)
    again = read(pack_text(name), SAMPLES[name].bodies)
    assert [fact.digest for fact in again] == [fact.digest for fact in facts]
    assert len({(fact.call_sid, fact.event_id, fact.digest) for fact in facts}) == len(facts)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_pack_links_the_carriers_call(name: str) -> None:
    facts = read(pack_text(name), SAMPLES[name].bodies)
    assert {link.call_sid for fact in facts for link in fact.links} == SAMPLES[name].links


def request(samples: PackSamples, mapping: str = "", **headers: str) -> Callback:
    named = {**samples.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Callback("POST", HOST + "/", named, samples.bodies[0], NOW_US, mapping=mapping)


@pytest.mark.parametrize("name", SIGNED)
def test_a_pack_verifies_requests(name: str) -> None:
    samples, mapping = SAMPLES[name], pack_text(name)
    assert verify(request(samples), {"mapping": mapping, "secret": samples.secret})
    assert not verify(request(samples), {"mapping": mapping, "secret": samples.secret[:-2] + "xx"})
    bare = Callback("POST", HOST + "/", {}, b"{}", NOW_US)
    assert not verify(bare, {"mapping": mapping, "secret": samples.secret})


@pytest.mark.parametrize("name", SIGNED)
def test_a_request_gives_the_facts_of_the_file(name: str) -> None:
    samples, mapping = SAMPLES[name], pack_text(name)
    [of_request] = facts_of(request(samples, mapping))
    assert of_request.stated == read(mapping, samples.bodies[:1])[0].stated


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - {*SIGNED}))
def test_a_pack_of_files_refuses_requests(name: str) -> None:
    assert not verify(request(SAMPLES[name]), {"mapping": pack_text(name), "secret": "s" * 40})


def test_a_changed_or_old_request_of_openai_is_refused() -> None:
    samples = SAMPLES["openai-realtime-sip"]
    stored = {"mapping": pack_text("openai-realtime-sip"), "secret": samples.secret}
    sent = request(samples)
    changed = Callback("POST", sent.url, sent.headers, sent.body + b" ", NOW_US)
    old = Callback("POST", sent.url, sent.headers, sent.body, NOW_US + 301_000_000)
    assert not verify(changed, stored)
    assert not verify(old, stored)


def test_ringcentral_gets_its_validation_token_back() -> None:
    rules = {"mapping": pack_text("ringcentral"), "secret": "tok-2"}
    sent = Callback("POST", HOST + "/", {"validation-token": "v-1"}, b"", NOW_US)
    answer = answer_challenge(sent, rules)
    assert answer is not None
    assert "v-1" in repr(answer)


def test_each_time_of_cdr_stats_is_the_time_of_the_file() -> None:
    found = records(read(pack_text("cdr-stats"), [pack_tables.CDR_STATS], "Europe/Berlin"))
    rows = list(csv.DictReader(io.StringIO(pack_tables.CDR_STATS.decode())))
    assert len(rows) == len(found) == 5
    for row in rows:
        # Berlin is two hours ahead of UTC in August.
        start = datetime.fromisoformat(row["starting_date"]).replace(tzinfo=UTC) - timedelta(hours=2)
        end = start + timedelta(seconds=int(row["duration"]))
        answer = end - timedelta(seconds=int(row["billsec"])) if row["billsec"] != "0" else None
        times = [None if moment is None else text(moment) for moment in (start, answer, end)]
        record = found[row["callid"]]
        assert [record["created_at"], record["answered_at"], record["ended_at"]] == times
        assert record["duration_seconds"] == int(row["billsec"])


def test_each_time_of_a_fusionpbx_export_is_the_time_of_the_file() -> None:
    found = records(read(pack_text("fusionpbx"), [pack_tables.FUSIONPBX]))
    rows = list(csv.DictReader(io.StringIO(pack_tables.FUSIONPBX.decode())))
    assert len(rows) == len(found) == 3
    for row in rows:
        record = found[row["xml_cdr_uuid"]]
        assert record["created_at"] == text(datetime.fromtimestamp(int(row["start_epoch"]), UTC))
        assert record["answered_at"] == (text(stamp(row["answer_stamp"])) if row["answer_stamp"] else None)
        assert record["ended_at"] == text(stamp(row["end_stamp"]))
        assert record["duration_seconds"] == int(row["billsec"])


def stamp(written: str) -> datetime:
    return datetime.fromisoformat(written)


def text(moment: datetime) -> str:
    return utc_text(int(moment.timestamp()) * 1_000_000)
