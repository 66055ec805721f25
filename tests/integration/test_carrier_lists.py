"""Carriers' call lists over HTTP, from test doubles: pages, waits, single calls, and errors."""

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
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.calls.windows import TimeWindow
from calltally.net import RetryingClient
from calltally.providers.call_fetcher import ApiAccess, StartWindow
from calltally.providers.callback import UnreadableRecord
from calltally.providers.registry import FETCHERS
from calltally.reconcile.findings import FindingKind
from calltally.reconcile.provider_client import ProviderClient
from calltally.reconcile.provider_reconciliation import ReconciliationRequest, reconcile_provider
from calltally.reconcile.provider_run import ProviderReport
from calltally.retry_policy import RetryPolicy
from calltally.settings.fields import Settings
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import find_call
from calltally.store.tenants.vault import put_provider_secrets
from tests.carrier_apis import APIS, Api, Made
from tests.conftest import TENANT, Bench
from tests.twilio_api import served

T = TypeVar("T")
START_US = parse_instant("2026-10-05T08:00:00Z")
NOW_US = START_US + 30 * DAY_US
WINDOW = TimeWindow(START_US, START_US + 10 * DAY_US)

carriers = pytest.mark.parametrize("name", APIS)


def sid(number: int) -> str:
    return f"{number:08x}-2962-41e7-baf4-90f63e25e439"


def made(count: int, *, gap_s: int = 60) -> list[Made]:
    """Return calls; every fourth is unanswered."""
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
            access = ApiAccess(api.url, APIS[name].secrets if secrets is None else secrets, NOW_US)
            return await work(ProviderClient(FETCHERS[name], access, client.request))

    return asyncio.run(session())


async def listed(
    client: ProviderClient, begin_s: int = 0, end_s: int = 10 * 86_400
) -> list[Fact | UnreadableRecord]:
    started = StartWindow(START_US + begin_s * SECOND_US, START_US + end_s * SECOND_US)
    return [item async for page in client.pages(started) for item in page]


@carriers
def test_all_pages_are_read_with_waits(name: str) -> None:
    calls = made(1_050 if name == "jambonz" else 230)
    with served(APIS[name](calls, busy_every=3)) as api:
        items = with_client(name, api, listed)
    facts = {item.call_sid: item for item in items if isinstance(item, Fact)}
    assert len(facts) == len(items) == len(calls)
    assert {(fact.channel, fact.provider, fact.is_carrier) for fact in facts.values()} == {
        (Channel.PROVIDER_LIST, name, True)
    }
    account = FETCHERS[name].account_of(APIS[name].secrets)
    assert {fact.account for fact in facts.values()} == {account}
    for call in calls:
        fields = facts[call.call_sid].stated
        assert fields["status"] == ("completed" if call.talk_s else "busy")
        assert fields["ended_us"] == call.ended_us
        assert fields["provider_account"] == account


@carriers
def test_period_includes_both_ends(name: str) -> None:
    # Vonage's time of an answered call is its answer.
    calls = [call._replace(talk_s=0) for call in made(50)]
    with served(APIS[name](calls)) as api:
        items = with_client(name, api, lambda client: listed(client, 600, 1_200))
    sids = {item.call_sid for item in items if isinstance(item, Fact)}
    wanted = {sid(number) for number in range(10, 21)}
    # Plivo lists by the end, so a wider period is requested.
    assert wanted == sids if name != "plivo" else wanted <= sids


@carriers
def test_known_and_unknown_single_call(name: str) -> None:
    async def both(
        client: ProviderClient,
    ) -> tuple[list[Fact | UnreadableRecord], list[Fact | UnreadableRecord]]:
        return await client.call(sid(1)), await client.call("no/../such")

    with served(APIS[name](made(3))) as api:
        found, missing = with_client(name, api, both)
    (fact,) = found
    assert isinstance(fact, Fact)
    assert (fact.call_sid, fact.stated["status"]) == (sid(1), "completed")
    assert missing == []
    assert "no%2F..%2Fsuch" in api.requested[-1]


@carriers
def test_insufficient_secrets_are_refused(name: str) -> None:
    stored = APIS[name].secrets
    with served(APIS[name](made(1))) as api:
        for lacking in FETCHERS[name].secret_names:
            if lacking not in {"account_id", "space"}:
                with pytest.raises(Misconfigured, match=lacking):
                    with_client(
                        name, api, listed, {key: value for key, value in stored.items() if key != lacking}
                    )
        wrong = {key: _other(key, value) for key, value in stored.items()}
        with pytest.raises(Misconfigured, match=r"401|not a complete private key"):
            with_client(name, api, listed, wrong)


def _other(name: str, value: str) -> str:
    if name == "private_key":
        return value[:100]
    return (
        value if name in {"auth_id", "project_id", "account_sid", "application_id", "space"} else f"{value}x"
    )


@carriers
def test_busy_or_unreachable_carrier_is_unavailable(name: str) -> None:
    with served(APIS[name](made(1), busy_every=1)) as api:
        with pytest.raises(Unavailable, match=r"429 \("):
            with_client(name, api, listed)
        assert len(api.requested) == 3
    with pytest.raises(Unavailable, match="no answer from"):
        with_client(name, api, listed)


@carriers
@pytest.mark.parametrize(
    "document", [[], {}, {"data": {}}, {"data": [], "calls": {}}, "text", {"objects": 1}]
)
def test_invalid_page_is_refused(name: str, document: object) -> None:
    with served(APIS[name]()) as api:
        api.odd = document
        with pytest.raises(NotUnderstood):
            with_client(name, api, listed)
        assert len(api.requested) == 1


def test_smaller_vonage_pages_than_requested_are_not_the_end() -> None:
    """Peers, point 11: no list is truncated silently."""
    with served(APIS["vonage"](made(95))) as api:
        api.most = 30
        assert len(with_client("vonage", api, listed)) == 95


def test_plivo_next_page_on_another_host_is_not_requested() -> None:
    for target in ("https://elsewhere.example/v1/", "/v1/Account/other/Call/", "//elsewhere.example/"):
        with served(APIS["plivo"]()) as api:
            api.odd = {"objects": [], "meta": {"next": target}}
            with pytest.raises(NotUnderstood, match="leads to another address"):
                with_client("plivo", api, listed)
            assert len(api.requested) == 1


def test_signalwire_requests_go_to_the_tenants_space() -> None:
    access = ApiAccess("", APIS["signalwire"].secrets, NOW_US)
    request = next(FETCHERS["signalwire"].list_page(access, StartWindow(START_US, NOW_US), None))
    assert request.url.startswith("https://example.signalwire.com/api/laml/2010-04-01/Accounts/")
    for space in ("", "evil.example/x", "evil.example@other", "https://example.com", "localhost"):
        odd = access._replace(secrets={**access.secrets, "space": space})
        with pytest.raises(Misconfigured, match="space"):
            next(FETCHERS["signalwire"].list_page(odd, StartWindow(START_US, NOW_US), None))


@pytest.mark.parametrize(
    "key", ["", "text", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"]
)
def test_invalid_private_key_is_named(key: str) -> None:
    access = ApiAccess("https://api.example", {**APIS["vonage"].secrets, "private_key": key}, NOW_US)
    with pytest.raises(Misconfigured, match="private_key"):
        next(FETCHERS["vonage"].one_call(access, "1"))


class Desk:
    """Tenant with a carrier's secrets, a ledger and the carrier's test double."""

    def __init__(self, bench: Bench, name: str, api: Api) -> None:
        self.bench, self.name = bench, name
        given: dict[str, Any] = {
            "database_url": bench.url,
            "secret_key": base64.b64encode(bytes(32)).decode(),
            f"{name}_api_url": api.url,
        }
        self.settings = Settings(**given)
        sealed = open_vault(self.settings).seal(TENANT, name, APIS[name].secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, name, sealed, NOW_US)))

    def compare(self, *, heal: bool = False) -> ProviderReport:
        request = ReconciliationRequest(TENANT, self.name, WINDOW, heal=heal)
        return self.bench.run(
            reconcile_provider(provider_access(self.settings, self.bench.store), request, NOW_US)
        )

    def call(self, call_sid: str) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)


@carriers
def test_facts_missed_by_callbacks_are_found_and_healed(bench: Bench, name: str) -> None:
    """Peers, point 5: a missing final state is fetched, and no call is closed without a fact."""
    calls = made(8, gap_s=3_600)
    with served(APIS[name](calls)) as api:
        desk = Desk(bench, name, api)
        listed_items = with_client(name, api, listed)
        # Four calls were reported: one without its end, and one that the carrier does not know.
        reported_facts = [item for item in listed_items if isinstance(item, Fact)][:4]
        gone = Made(sid(999), START_US + 7 * 3_600 * SECOND_US)
        bench.run(
            bench.store.submit(
                [Submission(TENANT, _open(reported_facts[0])), *_submissions(reported_facts[1:])]
            )
        )
        bench.run(bench.store.submit([Submission(TENANT, _renamed(reported_facts[1], gone))]))

        found = desk.compare(heal=True)
        assert found.report.counts == {
            FindingKind.MISSING_FINAL_STATE: 1,
            FindingKind.UNHEARD_CALL: 4,
            FindingKind.UNLISTED_CALL: 1,
        }
        assert found.healed is not None
        assert (found.healed.recorded, found.healed.left) == (5, 1)
        for call in calls:
            record = desk.call(call.call_sid)
            assert (record["status"], record["duration_seconds"]) == (
                "completed" if call.talk_s else "busy",
                call.talk_s,
            )
        assert desk.compare().report.counts == {FindingKind.UNLISTED_CALL: 1}


def _submissions(facts: list[Fact]) -> list[Submission]:
    return [Submission(TENANT, fact) for fact in facts]


def _open(fact: Fact) -> Fact:
    fields: Any = {name: value for name, value in fact.stated.items() if name in {"provider", "started_us"}}
    return msgspec.structs.replace(fact, stated=fields, channel=Channel.CALLBACK)


def _renamed(fact: Fact, call: Made) -> Fact:
    fields: Any = {**fact.stated, "started_us": call.started_us, "ended_us": call.ended_us}
    return msgspec.structs.replace(
        fact, call_sid=call.call_sid, stated=fields, occurred_us=call.started_us, links=()
    )
