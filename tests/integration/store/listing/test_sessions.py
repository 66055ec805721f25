"""Sessions are folded with their calls in any order, found by their words, deleted by an erasure."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltally.calls.conversation import Conversation, FunctionCall, Turn, pack_conversation
from calltally.calls.events import Channel, Fact
from calltally.calls.filters import CallFilter
from calltally.calls.identity import Node
from calltally.calls.list_query import ListQuery
from calltally.calls.sessions import conversation_counts
from calltally.store.db.fact_codec import body_codec
from calltally.store.listing.list_calls import list_calls
from calltally.store.listing.sessions import SessionQuery, find_session, list_sessions
from calltally.store.maintenance.erasure import erase_call
from calltally.store.maintenance.refold_all import begin_refold, refold_calls
from tests.conftest import NOW_US, TENANT, Bench, records_of
from tests.examples import examples
from tests.integration.store.probing import direct, listed, submit, verdict
from tests.sample_facts import SID, fact, own

PLATFORM = "0f1e2d3c-platform"
ALL = SessionQuery(limit=25, offset=0)


def reported(
    at: float,
    call_sid: str,
    *texts: str,
    channel: Channel = Channel.CALLBACK,
    **stated: Any,  # noqa: ANN401
) -> Fact:
    """Return a platform's report or a tenant's session, with a turn for each text."""
    conversation = Conversation([Turn("user", text) for text in texts], [FunctionCall("look_up", {"at": at})])
    session = {**stated.pop("session", {}), **(conversation_counts(conversation) if texts else {})}
    made = fact(
        at,
        call_sid,
        channel=channel,
        provider="vapi",
        is_carrier=False,
        session_id=PLATFORM,
        session=session,
        **stated,
    )
    packed = pack_conversation(conversation) if texts else b""
    return msgspec.structs.replace(made, conversation=packed)


def report(*texts: str, links: tuple[Node, ...] = (Node(SID, is_carrier=True),)) -> Fact:
    return reported(
        50, PLATFORM, *texts, status="completed", summary="Booked a table.", links=links,
        session={"evaluation": {"successful": True}, "stream_id": "MZ1"},
    )  # fmt: skip


def sessions(bench: Bench, query: SessionQuery = ALL, tenant: str = TENANT) -> list[Any]:
    page = bench.run(bench.store.read(list_sessions(tenant, query)))
    return [json.loads(record) for record in page.records]


def found_by(bench: Bench, words: str, *, in_transcripts: bool = True) -> list[str]:
    query = ListQuery(filter=CallFilter(q=words, in_transcripts=in_transcripts))
    return [call["call_sid"] for call in records_of(bench.run(bench.store.read(list_calls(TENANT, query))))]


def outbox(bench: Bench, name: str) -> list[Any]:
    with direct(bench.url) as db:
        rows = db(f"SELECT body FROM outbox WHERE event = '{name}' ORDER BY revision")
    return [json.loads(body_codec.decompress(bytes(body)))["data"] for (body,) in rows]


def test_report_after_the_call_becomes_its_session(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), fact(40, status="completed", sequence=3, talk_seconds=30))
    submit(bench, report("A table for two", "At eight"))
    [session] = sessions(bench)
    assert (session["call_sid"], session["id"], session["status"]) == (SID, PLATFORM, "completed")
    assert (session["transcript_turn_count"], session["function_call_count"]) == (2, 1)
    assert "transcript" not in session
    whole = bench.run(bench.store.read(find_session(TENANT, PLATFORM)))
    assert whole is not None
    assert [turn.text for turn in whole.conversation.transcript or ()] == ["A table for two", "At eight"]
    assert verdict(bench).findings == []


def test_session_filters_are_exact(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), report("Hello"), own(2, "other", session_id="s-2", agent="ada"))
    assert [each["id"] for each in sessions(bench, ALL._replace(stream_id="MZ1"))] == [PLATFORM]
    assert [each["id"] for each in sessions(bench, ALL._replace(agent_key="ada"))] == ["s-2"]
    assert [each["id"] for each in sessions(bench, ALL._replace(status="active"))] == ["s-2"]
    assert sessions(bench, ALL._replace(stream_id="MZ2")) == []
    page = bench.run(bench.store.read(list_sessions(TENANT, ALL._replace(limit=1, offset=1))))
    assert (len(page.records), page.total) == (1, 2)


def test_transcripts_are_found_only_by_keys_that_may_read_them(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), report("Do you have anchovies?"))
    assert found_by(bench, "anchovies") == [SID]
    assert found_by(bench, "anchovies", in_transcripts=False) == []
    # A word of the summary and a word of the transcript match the same call.
    assert found_by(bench, "booked anchovies") == [SID]
    submit(bench, own(90, summary="Nothing was said."))
    assert found_by(bench, "anchovies nothing") == [SID]
    assert found_by(bench, "booked") == []


def test_older_snapshot_is_searched_by_its_own_words(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing", summary="Rang."))
    before = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    submit(bench, report("Do you have anchovies?"))
    requested = CallFilter(q="anchovies", in_transcripts=True)
    page = bench.run(bench.store.read(list_calls(TENANT, ListQuery(filter=requested, snapshot=before))))
    assert page.total == 0
    assert verdict(bench).findings == []


def test_tenants_values_override_the_platforms(bench: Bench) -> None:
    stored = reported(60, SID, "Corrected", channel=Channel.OWN_EVENT, summary="Corrected by hand.")
    submit(bench, stored, fact(1, status="ringing"), report("Misheard"))
    [session], [call] = sessions(bench), listed(bench)
    assert (session["summary"], call["summary"]) == ("Corrected by hand.", "Corrected by hand.")
    assert found_by(bench, "corrected") == [SID]
    assert found_by(bench, "misheard") == []


def test_evaluation_has_one_event(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"))
    submit(bench, report("Hello"), report("Hello"))
    submit(bench, own(99, summary="Later."))
    [data] = outbox(bench, "voice.session.evaluated")
    assert (data["voice_session_id"], data["evaluation"], data["transcript_turn_count"]) == (
        *(PLATFORM, {"successful": True}, 1),
    )
    [data] = outbox(bench, "voice.call.completed")
    assert (data["stream_sid"], data["function_call_count"], data["transcript_turn_count"]) == ("MZ1", 1, 1)


def test_erasure_deletes_sessions_and_conversations(bench: Bench) -> None:
    submit(bench, fact(1, status="ringing"), report("Do you have anchovies?"))
    bench.run(bench.store.write(erase_call(TENANT, SID, NOW_US)))
    assert sessions(bench) == []
    assert bench.run(bench.store.read(find_session(TENANT, PLATFORM))) is None
    assert found_by(bench, "anchovies") == []
    with direct(bench.url) as db:
        assert db("SELECT count(*) FROM facts") == [(0,)]
        assert db("SELECT count(*) FROM voice_sessions") == [(0,)]
    submit(bench, report("Do you have anchovies?"))
    assert sessions(bench) == []


def test_sessions_are_hidden_from_other_tenants(bench: Bench) -> None:
    other = bench.new_tenant()
    submit(bench, fact(1, status="ringing"), report("Hello"))
    assert sessions(bench, tenant=other) == []
    assert bench.run(bench.store.read(find_session(other, PLATFORM))) is None


PARTS: tuple[Fact, ...] = (
    fact(1, status="ringing", sequence=1),
    fact(9, status="in-progress", sequence=2),
    fact(40, status="completed", sequence=3, talk_seconds=31),
    report("A table for two"),
    reported(55, PLATFORM, session={"evaluation": {"successful": False}}, tags=["late"]),
    reported(60, SID, "Corrected", channel=Channel.OWN_EVENT),
    own(61, session_id="s-2"),
)


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(PARTS), cuts=st.sets(st.integers(1, len(PARTS) - 1)), again=st.booleans())
def test_order_and_repeats_do_not_change_sessions(
    bench: Bench, order: Sequence[Fact], cuts: set[int], *, again: bool
) -> None:
    observed = []
    for facts, at in ((PARTS, ()), (order, sorted(cuts))):
        tenant = bench.new_tenant()
        edges = [0, *at, len(facts)]
        for begin, end in pairwise(edges):
            submit(bench, *facts[begin:end], *(facts[:end] if again else ()), tenant=tenant)
        displayed = sessions(bench, tenant=tenant)
        observed.append([{**each, "revision": 0, "updated_at": "", "call_id": ""} for each in displayed])
        assert verdict(bench, tenant).findings == []
    assert observed[0] == observed[1]


def test_new_fold_version_folds_every_call_again(bench: Bench) -> None:
    """The ledger is that of an older release: records without reasons, and no sessions."""
    submit(
        bench, fact(1, status="busy", direction="outbound"), report("Hello"), fact(2, "CA2", status="ringing")
    )
    before = bench.run(bench.store.read(list_calls(TENANT, ListQuery()))).snapshot
    wanted, [talk] = listed(bench), sessions(bench)
    with direct(bench.url) as db:
        db("DELETE FROM voice_sessions")
        for call_id, record in db("SELECT id, record FROM calls"):
            former = bytes(record).replace(b'"end_reason":"busy"', b'"end_reason":null')
            db("UPDATE calls SET record = ? WHERE id = ?", former, bytes(call_id))
    bench.run(bench.store.write(begin_refold(TENANT)))
    assert [found.invariant for found in verdict(bench).findings] == [2]
    looked_at = 0
    while more := bench.run(bench.store.write(refold_calls(TENANT, 1, NOW_US))):
        looked_at += more
    assert looked_at == len(wanted)
    assert [{**each, "revision": 0} for each in listed(bench)] == [{**each, "revision": 0} for each in wanted]
    assert [{**each, "revision": 0} for each in sessions(bench)] == [{**talk, "revision": 0}]
    assert verdict(bench).findings == []
    with pytest.raises(Exception, match="snapshot"):
        bench.run(bench.store.read(list_calls(TENANT, ListQuery(snapshot=before))))
