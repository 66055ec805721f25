"""Call lists of voice-agent platforms: pages and waits, and comparison with their earlier reports."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
import pytest

from calltally.bootstrap.outbound import provider_access
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Channel, Fact
from calltally.calls.identity import Node
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.calls.windows import TimeWindow
from calltally.net import RetryingClient
from calltally.providers.call_fetcher import ApiAccess, StartWindow
from calltally.providers.callback import UnreadableRecord
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import FindingKind
from calltally.reconcile.provider_client import ProviderClient
from calltally.reconcile.provider_reconciliation import (
    ProviderContext,
    ReconciliationRequest,
    poll_open_calls,
    reconcile_provider,
)
from calltally.reconcile.provider_run import ProviderReport
from calltally.retry_policy import RetryPolicy
from calltally.settings.fields import Settings
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import find_call
from calltally.store.listing.sessions import find_session
from calltally.store.tenants.vault import put_provider_secrets
from tests.carrier_apis import Api, Made
from tests.conftest import TENANT, Bench
from tests.platform_apis import PLATFORMS, carrier_sid
from tests.twilio_api import served

T = TypeVar("T")
START_US = parse_instant("2026-10-05T08:00:00Z")
NOW_US = START_US + 30 * DAY_US
WINDOW = TimeWindow(START_US, START_US + 10 * DAY_US)
platforms = pytest.mark.parametrize("name", PLATFORMS)


def sid(number: int) -> str:
    return f"{number:08x}-2962-41e7-baf4-90f63e25e439"


def made(count: int, *, gap_s: int = 60) -> list[Made]:
    """Return calls; every fourth is busy."""
    return [
        Made(sid(number), START_US + number * gap_s * SECOND_US, 37 + number % 9 if number % 4 else 0)
        for number in range(count)
    ]


def with_client(
    name: str,
    api: Api,
    work: Callable[[ProviderClient], Awaitable[T]],
    secrets: Mapping[str, str] | None = None,
) -> T:
    async def session() -> T:
        retry_policy = RetryPolicy(tries=3, first_s=0.0)
        async with RetryingClient(lambda: 0.0, timeout_s=5, retry_policy=retry_policy) as client:
            access = ApiAccess(api.url, PLATFORMS[name].secrets if secrets is None else secrets, NOW_US)
            return await work(ProviderClient(FETCHERS[name], access, client.request))

    return asyncio.run(session())


async def listed(
    client: ProviderClient, begin_s: int = 0, end_s: int = 10 * 86_400
) -> list[Fact | UnreadableRecord]:
    started = StartWindow(START_US + begin_s * SECOND_US, START_US + end_s * SECOND_US)
    return [item async for page in client.pages(started) for item in page]


@platforms
def test_all_pages_are_read_with_waits(name: str) -> None:
    calls = made(1_050 if name == "vapi" else 230, gap_s=30)
    with served(PLATFORMS[name](calls, busy_every=3)) as api:
        items = with_client(name, api, listed)
    facts = {item.call_sid: item for item in items if isinstance(item, Fact)}
    assert set(facts) == {call.call_sid for call in calls}
    assert {(fact.channel, fact.provider) for fact in facts.values()} == {(Channel.PROVIDER_LIST, name)}
    assert {fact.account for fact in facts.values()} == {PLATFORMS[name].account}
    for call in calls:
        fields = facts[call.call_sid].stated
        assert (fields["status"] == "completed") == (call.talk_s > 0)
        if call.talk_s:
            assert fields["answered_us"] == call.answered_us


@platforms
def test_period_includes_both_ends(name: str) -> None:
    calls = [call._replace(talk_s=0) for call in made(50)]
    with served(PLATFORMS[name](calls)) as api:
        items = with_client(name, api, lambda client: listed(client, 600, 1_200))
    sids = {item.call_sid for item in items if isinstance(item, Fact)}
    assert sids == {sid(number) for number in range(10, 21)}


@platforms
def test_single_call_has_carrier_and_transcript(name: str) -> None:
    async def both(
        client: ProviderClient,
    ) -> tuple[list[Fact | UnreadableRecord], list[Fact | UnreadableRecord]]:
        return await client.call(sid(1)), await client.call("no/../such")

    with served(PLATFORMS[name](made(3))) as api:
        found, missing = with_client(name, api, both)
    (fact,) = found
    assert isinstance(fact, Fact)
    assert fact.links == (Node(carrier_sid(made(2)[1]), is_carrier=True),)
    assert fact.stated["summary"] == "Booked a table."
    assert b"Good morning." in fact.conversation
    assert missing == []
    assert "no%2F..%2Fsuch" in api.requested[-1]


@platforms
def test_insufficient_secrets_are_refused(name: str) -> None:
    stored = PLATFORMS[name].secrets
    with served(PLATFORMS[name](made(1))) as api:
        with pytest.raises(Misconfigured, match="api_key"):
            with_client(name, api, listed, {key: value for key, value in stored.items() if key != "api_key"})
        with pytest.raises(Misconfigured, match="401"):
            with_client(name, api, listed, {**stored, "api_key": "another"})


@platforms
def test_busy_or_unreachable_platform_is_unavailable(name: str) -> None:
    with served(PLATFORMS[name](made(1), busy_every=1)) as api:
        with pytest.raises(Unavailable, match=r"429 \("):
            with_client(name, api, listed)
        assert len(api.requested) == 3
    with pytest.raises(Unavailable, match="no answer from"):
        with_client(name, api, listed)


@platforms
@pytest.mark.parametrize("document", [{}, {"data": []}, "text", {"items": 1}, {"conversations": {}}])
def test_invalid_page_is_refused(name: str, document: object) -> None:
    with served(PLATFORMS[name]()) as api:
        api.odd = document
        with pytest.raises(NotUnderstood):
            with_client(name, api, listed)
        assert len(api.requested) == 1


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("retell", {"items": [], "has_more": True}),
        ("elevenlabs", {"conversations": [], "has_more": True, "next_cursor": None}),
        ("vapi", [{"id": "1"}] * 1_000),
    ],
)
def test_page_without_valid_next_page_is_refused(name: str, page: object) -> None:
    """Peers, point 11: no list is truncated silently."""
    with served(PLATFORMS[name]()) as api:
        api.odd = page
        with pytest.raises(NotUnderstood, match=r"pagination_key|next_cursor|createdAt"):
            with_client(name, api, listed)


def test_vapi_page_that_repeats_is_refused() -> None:
    calls = [Made(sid(number), START_US) for number in range(1_001)]
    with served(PLATFORMS["vapi"](calls)) as api, pytest.raises(NotUnderstood, match="links back"):
        with_client("vapi", api, listed)


class Desk:
    """Tenant with a platform's secrets and calls that a carrier reported; and the platform's test double."""

    def __init__(self, bench: Bench, name: str, api: Api) -> None:
        self.bench, self.name, self.api = bench, name, api
        given: dict[str, Any] = {
            "database_url": bench.url,
            "secret_key": base64.b64encode(bytes(32)).decode(),
            f"{name}_api_url": api.url,
        }
        self.settings = Settings(**given)
        sealed = open_vault(self.settings).seal(TENANT, name, PLATFORMS[name].secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, name, sealed, NOW_US)))

    def compare(self, *, heal: bool = False) -> ProviderReport:
        request = ReconciliationRequest(TENANT, self.name, WINDOW, heal=heal)
        return self.bench.run(
            reconcile_provider(provider_access(self.settings, self.bench.store), request, NOW_US)
        )

    def reports(self) -> list[Fact]:
        """Return the platform's complete report of each call."""

        async def all_of(client: ProviderClient) -> list[Fact]:
            items = [item for call_sid in self.api.calls for item in await client.call(call_sid)]
            return [item for item in items if isinstance(item, Fact)]

        return with_client(self.name, self.api, all_of)

    def record(self, *facts: Fact) -> None:
        self.bench.run(self.bench.store.submit([Submission(TENANT, fact) for fact in facts]))

    def call(self, call_sid: str) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)

    def session(self, session_id: str) -> Any:  # noqa: ANN401 (a session)
        return self.bench.run(self.bench.store.read(find_session(TENANT, session_id)))


def carriers(call: Made) -> Fact:
    """Return the carrier's last report; by its clocks the talk was five seconds longer."""
    fields: Any = {
        "status": "completed" if call.talk_s else "busy",
        "provider": "twilio",
        "started_us": call.started_us,
        **({"answered_us": call.answered_us, "talk_seconds": float(call.talk_s + 5)} if call.talk_s else {}),
        "ended_us": call.ended_us,
    }
    return Fact(
        call_sid=carrier_sid(call),
        channel=Channel.CALLBACK,
        provider="twilio",
        account="AC1",
        event_id="",
        sequence=None,
        occurred_us=call.ended_us,
        received_us=call.ended_us,
        digest=b"\0" * 16,
        stated=fields,
        raw=b"",
        is_carrier=True,
    )


def reported(fact: Fact, **fields: Any) -> Fact:  # noqa: ANN401 (values of facts)
    """Return the same fact as a webhook reports it."""
    items: Any = {**fact.stated, **fields}
    return msgspec.structs.replace(fact, channel=Channel.CALLBACK, stated=items)


@platforms
def test_missing_reports_are_found_by_platform_id_and_healed(bench: Bench, name: str) -> None:
    """The carrier reported all calls and takes precedence; the platform's reports of three were lost."""
    calls = made(6, gap_s=3_600)
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.record(*map(carriers, calls))
        reports = desk.reports()
        desk.record(*map(reported, reports[:3]))
        # The fourth has a start: the carrier reported its end, the platform's report of the end is missing.
        desk.record(started(reports[3]))

        found = desk.compare(heal=True)
        assert found.report.counts == {FindingKind.UNHEARD_CALL: 2, FindingKind.MISSING_FINAL_STATE: 1}
        assert found.healed is not None
        assert (found.healed.recorded, found.healed.left) == (3, 0)
        assert desk.compare().report.counts == {}
        for call in calls:
            record = desk.call(call.call_sid)
            assert (record["call_sid"], record["provider"]) == (carrier_sid(call), "twilio")
            assert record["duration_seconds"] == (call.talk_s + 5 if call.talk_s else 0)
            if call.talk_s:
                assert record["summary"] == "Booked a table."
                session = desk.session(call.call_sid)
                assert session.conversation.transcript[0].text == "Good morning."


def started(fact: Fact) -> Fact:
    fields: Any = {name: fact.stated[name] for name in ("provider", "session_id")}
    return msgspec.structs.replace(
        fact,
        channel=Channel.CALLBACK,
        stated={**fields, "status": "in-progress"},
        conversation=b"",
        digest=b"\1" * 16,
    )


@platforms
def test_only_the_platforms_own_facts_can_contradict_its_list(bench: Bench, name: str) -> None:
    calls = made(4, gap_s=3_600)[1:]
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.record(*map(carriers, calls))
        reports = desk.reports()
        desk.record(reported(reports[0], status="failed"), reported(reports[1], talk_seconds=9.0))
        desk.record(reported(reports[2]))
        assert desk.compare().report.counts == {FindingKind.CONTRADICTION: 1, FindingKind.OTHER_DURATION: 1}
        desk.compare(heal=True)
        assert desk.compare().report.counts == {}


@platforms
def test_call_unknown_to_the_platform_is_a_finding_unless_of_another_platform(
    bench: Bench, name: str
) -> None:
    calls = made(4, gap_s=3_600)
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.record(*map(carriers, calls))
        reports = desk.reports()
        desk.record(*map(reported, reports))
        other = reported(reports[0], provider="bland", session_id="bland-1")
        desk.record(msgspec.structs.replace(other, provider="bland", call_sid="bland-1", links=()))
        # The tenant's session id differs from the platform's id.
        desk.record(own_session(calls[2]))
        assert desk.compare().report.counts == {}

        del api.calls[sid(1)]
        found = desk.compare()
        assert found.report.counts == {FindingKind.UNLISTED_CALL: 1}
        [finding] = found.report.findings
        assert (finding.call_sid, "does not know it" in finding.detail) == (carrier_sid(calls[1]), True)


def own_session(call: Made) -> Fact:
    fields: Any = {"session_id": "ours-2"}
    return msgspec.structs.replace(
        carriers(call), channel=Channel.OWN_EVENT, provider="", account="", stated=fields, is_carrier=False
    )


@platforms
def test_call_without_carrier_is_fetched_before_it_counts_as_stuck(bench: Bench, name: str) -> None:
    with served(PLATFORMS[name](made(2))) as api:
        desk = Desk(bench, name, api)
        report = desk.reports()[1]
        desk.record(msgspec.structs.replace(started(report), links=()))
        assert desk.call(sid(1))["status"] == "in-progress"
        context = ProviderContext(bench.store, lambda: open_vault(desk.settings), {name: api.url})
        assert bench.run(poll_open_calls(context, TENANT, name, [sid(1)], NOW_US)) == 1
    assert desk.call(sid(1))["status"] == "completed"


def test_vapi_call_of_another_organisation_is_not_missing(bench: Bench) -> None:
    calls = made(2, gap_s=3_600)
    with served(PLATFORMS["vapi"](calls)) as api:
        desk = Desk(bench, "vapi", api)
        report = reported(desk.reports()[1])
        del api.calls[sid(1)]
        desk.record(msgspec.structs.replace(report, account="org-2"))
        assert desk.compare().report.counts == {FindingKind.UNHEARD_CALL: 1}
