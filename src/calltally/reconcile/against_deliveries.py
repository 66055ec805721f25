"""Calls against what was delivered of them to one endpoint, and making up for what was not."""

from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.event_types import COMPLETED
from calltally.calls.filters import CallFilter, ListQuery
from calltally.calls.identity import parse_uuid
from calltally.calls.times import utc_text
from calltally.calls.windows import Window
from calltally.exports.window import Window as Listing
from calltally.exports.window import first_chunk
from calltally.reconcile.call_states import CallState, chunk_states
from calltally.reconcile.delivery_rules import Sent, judged
from calltally.reconcile.findings import Finding, Kind, Report, Span, Tally
from calltally.store.db.interface import Store
from calltally.store.listing.list_calls import list_calls
from calltally.store.webhooks.deliveries import replay_one
from calltally.store.webhooks.endpoints import Endpoint, need_endpoint
from calltally.store.webhooks.enqueue import wants
from calltally.store.webhooks.redelivery import completed_events_of, deliver_now


class _Filtered(msgspec.Struct):
    """What an endpoint's filters are held against."""

    id: str
    direction: str | None = None
    route: str | None = None
    agent: str | None = None


_Call: TypeAlias = tuple[CallState, tuple[str | None, str | None, str | None]]
_filtered: Final = msgspec.json.Decoder(_Filtered)
_MESSAGE: Final = "msg_"


class Question(NamedTuple):
    """Which calls, against which endpoint; with `heal` what is missing is delivered.

    Calls that changed before `since_us` are passed over: of those nothing is kept any more.
    """

    tenant: str
    endpoint: bytes
    window: Window
    since_us: int
    heal: bool = False
    most: int | None = None


async def compare(store: Store, question: Question, now_us: int, hear: Callable[[Finding], None]) -> Report:
    """One run; `hear` is told each finding. Raises NotFound for no such endpoint."""
    endpoint: Endpoint = await store.read(need_endpoint(question.tenant, question.endpoint))
    since_us = max(question.since_us, endpoint.created_us)
    tally, looked_at = Tally(question.most), {"calls": 0, "passed_over": 0, "healed": 0}
    async for calls in _chunks(store, question):
        step = completed_events_of(question.tenant, question.endpoint, list(calls))
        told: dict[bytes, list[Sent]] = {}
        for row in await store.read(step, long=True):
            told.setdefault(row.call_id, []).append(Sent(*row[1:]))
        for call_id, (call, said) in calls.items():
            looked_at["calls"] += 1
            is_expected = (call.updated_us or 0) >= since_us and wants(endpoint.wanted, COMPLETED, said)
            if not told.get(call_id) and not is_expected:
                looked_at["passed_over"] += 1
            elif (finding := judged(call, told.get(call_id, []))) is not None:
                tally.add(finding)
                hear(finding)
                if question.heal:
                    looked_at["healed"] += await _heal(store, question, finding, now_us)
    ends = [utc_text(end) for end in question.window]
    return tally.report("deliveries", Span(*ends), looked_at)


async def _chunks(store: Store, question: Question) -> AsyncIterator[dict[bytes, _Call]]:
    """The calls of the window by their ids, as of one snapshot."""
    calls = CallFilter(from_us=question.window.from_us, to_us=question.window.to_us)
    query = first_chunk(ListQuery(filter=calls, order="asc"), None)
    tenant = question.tenant
    first = await store.read_tenant(tenant, lambda: list_calls(tenant, query), long=True)
    async for records in Listing(store, tenant, query, first).chunks():
        said = {each.id: (each.direction, each.route, each.agent) for each in _filtered.decode_lines(records)}
        yield {parse_uuid(each.id) or b"": (each, said[each.id]) for each in chunk_states(records)}


async def _heal(store: Store, question: Question, finding: Finding, now_us: int) -> bool:
    """Have it delivered: what was given up under its id, what is missing as the call is now."""
    tenant, endpoint = question.tenant, question.endpoint
    if finding.kind is Kind.DEAD_DELIVERY:
        event_id = parse_uuid(finding.event_ids[0].removeprefix(_MESSAGE)) or b""
        await store.write(replay_one(tenant, endpoint, event_id, now_us))
        return True
    call_id = parse_uuid(finding.call_id or "") or b""
    done: bool = await store.write(deliver_now(tenant, endpoint, call_id, now_us))
    return done
