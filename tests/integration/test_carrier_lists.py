"""The carriers' lists of calls over HTTP, from stand-ins: pages, waits, one call, and what goes wrong."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec
import pytest

from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Door, Fact
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.calls.windows import Window
from calltally.cli.reconcile.provider_command import Question, compare
from calltally.net import HttpRetryPolicy, RetryingClient
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Started
from calltally.providers.registry import FETCHES
from calltally.reconcile.findings import Kind
from calltally.reconcile.provider_client import Asking
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings import Settings
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import find_call
from calltally.store.tenants.vault import put_provider_secrets
from tests.carrier_apis import APIS, Api, Made
from tests.conftest import TENANT, Bench
from tests.twilio_api import served

T = TypeVar("T")
START_US = parse_instant("2026-10-05T08:00:00Z")
NOW_US = START_US + 30 * DAY_US
WINDOW = Window(START_US, START_US + 10 * DAY_US)

carriers = pytest.mark.parametrize("name", APIS)


def sid(number: int) -> str:
    return f"{number:08x}-2962-41e7-baf4-90f63e25e439"


def made(count: int, *, apart_s: int = 60) -> list[Made]:
    """Every fourth was not answered."""
    return [
        Made(sid(number), START_US + number * apart_s * SECOND_US, 37 + number % 9 if number % 4 else 0)
        for number in range(count)
    ]


def ask(
    name: str, api: Api, work: Callable[[Asking], Awaitable[T]], secrets: Mapping[str, str] | None = None
) -> T:
    async def session() -> T:
        patience = HttpRetryPolicy(tries=3, first_s=0.0)
        async with RetryingClient(lambda: 0.0, timeout_s=5, retry_policy=patience) as client:
            access = Access(api.url, APIS[name].secrets if secrets is None else secrets, NOW_US)
            return await work(Asking(FETCHES[name], access, client.request))

    return asyncio.run(session())


async def listed(asking: Asking, begin_s: int = 0, end_s: int = 10 * 86_400) -> list[Fact | Refusal]:
    started = Started(START_US + begin_s * SECOND_US, START_US + end_s * SECOND_US)
    return [item async for page in asking.pages(started) for item in page]


@carriers
def test_all_pages_of_the_list_with_its_waits(name: str) -> None:
    calls = made(1_050 if name == "jambonz" else 230)
    with served(APIS[name](calls, busy_every=3)) as api:
        items = ask(name, api, listed)
    facts = {item.call_sid: item for item in items if isinstance(item, Fact)}
    assert len(facts) == len(items) == len(calls)
    assert {(fact.door, fact.provider, fact.is_carrier) for fact in facts.values()} == {
        (Door.PROVIDER_LIST, name, True)
    }
    account = FETCHES[name].account_of(APIS[name].secrets)
    assert {fact.account for fact in facts.values()} == {account}
    for call in calls:
        said = facts[call.call_sid].said
        assert said["status"] == ("completed" if call.talk_s else "busy")
        assert said["ended_us"] == call.ended_us
        assert said["provider_account"] == account


@carriers
def test_a_stretch_of_time_holds_both_its_ends(name: str) -> None:
    # Vonage dates an answered call from its answer.
    calls = [call._replace(talk_s=0) for call in made(50)]
    with served(APIS[name](calls)) as api:
        items = ask(name, api, lambda asking: listed(asking, 600, 1_200))
    sids = {item.call_sid for item in items if isinstance(item, Fact)}
    wanted = {sid(number) for number in range(10, 21)}
    # Plivo lists by the end, so that more is asked for around.
    assert wanted == sids if name != "plivo" else wanted <= sids


@carriers
def test_one_call_and_one_that_is_not_known(name: str) -> None:
    async def both(asking: Asking) -> tuple[list[Fact | Refusal], list[Fact | Refusal]]:
        return await asking.call(sid(1)), await asking.call("no/../such")

    with served(APIS[name](made(3))) as api:
        found, missing = ask(name, api, both)
    (fact,) = found
    assert isinstance(fact, Fact)
    assert (fact.call_sid, fact.said["status"]) == (sid(1), "completed")
    assert missing == []
    assert "no%2F..%2Fsuch" in api.asked[-1]


@carriers
def test_secrets_that_do_not_do(name: str) -> None:
    stored = APIS[name].secrets
    with served(APIS[name](made(1))) as api:
        for lacking in FETCHES[name].secret_names:
            if lacking not in {"account_id", "space"}:
                with pytest.raises(Misconfigured, match=lacking):
                    ask(name, api, listed, {key: value for key, value in stored.items() if key != lacking})
        wrong = {key: _other(key, value) for key, value in stored.items()}
        with pytest.raises(Misconfigured, match=r"401|no private key"):
            ask(name, api, listed, wrong)


def _other(name: str, value: str) -> str:
    if name == "private_key":
        return value[:100]
    return (
        value if name in {"auth_id", "project_id", "account_sid", "application_id", "space"} else f"{value}x"
    )


@carriers
def test_a_carrier_that_stays_busy_or_away_is_unavailable(name: str) -> None:
    with served(APIS[name](made(1), busy_every=1)) as api:
        with pytest.raises(Unavailable, match=r"429 \("):
            ask(name, api, listed)
        assert len(api.asked) == 3
    with pytest.raises(Unavailable, match="no answer from"):
        ask(name, api, listed)


@carriers
@pytest.mark.parametrize(
    "document", [[], {}, {"data": {}}, {"data": [], "calls": {}}, "text", {"objects": 1}]
)
def test_an_answer_that_is_no_page(name: str, document: object) -> None:
    with served(APIS[name]()) as api:
        api.odd = document
        with pytest.raises(NotUnderstood):
            ask(name, api, listed)
        assert len(api.asked) == 1


def test_smaller_pages_of_vonage_than_asked_for_are_no_end() -> None:
    """Peers, point 11: no list is cut without a word."""
    with served(APIS["vonage"](made(95))) as api:
        api.most = 30
        assert len(ask("vonage", api, listed)) == 95


def test_a_page_of_plivo_that_leads_elsewhere_is_not_asked_for() -> None:
    for target in ("https://elsewhere.example/v1/", "/v1/Account/other/Call/", "//elsewhere.example/"):
        with served(APIS["plivo"]()) as api:
            api.odd = {"objects": [], "meta": {"next": target}}
            with pytest.raises(NotUnderstood, match="which is not that list"):
                ask("plivo", api, listed)
            assert len(api.asked) == 1


def test_signalwire_is_asked_at_the_space_of_the_tenant() -> None:
    access = Access("", APIS["signalwire"].secrets, NOW_US)
    request = next(FETCHES["signalwire"].list_page(access, Started(START_US, NOW_US), None))
    assert request.url.startswith("https://example.signalwire.com/api/laml/2010-04-01/Accounts/")
    for space in ("", "evil.example/x", "evil.example@other", "https://example.com", "localhost"):
        odd = access._replace(secrets={**access.secrets, "space": space})
        with pytest.raises(Misconfigured, match="space"):
            next(FETCHES["signalwire"].list_page(odd, Started(START_US, NOW_US), None))


@pytest.mark.parametrize(
    "key", ["", "text", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"]
)
def test_a_private_key_that_is_none_is_named(key: str) -> None:
    access = Access("https://api.example", {**APIS["vonage"].secrets, "private_key": key}, NOW_US)
    with pytest.raises(Misconfigured, match="private_key"):
        next(FETCHES["vonage"].one_call(access, "1"))


class Desk:
    """A tenant with a carrier's secrets, a ledger and the carrier's stand-in."""

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
        question = Question(TENANT, self.name, WINDOW, heal=heal)
        return self.bench.run(compare(self.bench.store, self.settings, question, NOW_US))

    def call(self, call_sid: str) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)


@carriers
def test_what_callbacks_missed_is_found_and_healed(bench: Bench, name: str) -> None:
    """Peers, point 5: the final state that never came is asked for, and nothing is closed by hand."""
    calls = made(8, apart_s=3_600)
    with served(APIS[name](calls)) as api:
        desk = Desk(bench, name, api)
        known = ask(name, api, listed)
        # Of four we heard, of one of them no end, and of one a call that the carrier does not know.
        heard = [item for item in known if isinstance(item, Fact)][:4]
        gone = Made(sid(999), START_US + 7 * 3_600 * SECOND_US)
        bench.run(bench.store.submit([Submission(TENANT, _open(heard[0])), *_told(heard[1:])]))
        bench.run(bench.store.submit([Submission(TENANT, _renamed(heard[1], gone))]))

        found = desk.compare(heal=True)
        assert found.report.counts == {
            Kind.MISSING_FINAL_STATE: 1,
            Kind.UNHEARD_CALL: 4,
            Kind.UNLISTED_CALL: 1,
        }
        assert found.healed is not None
        assert (found.healed.recorded, found.healed.left) == (5, 1)
        for call in calls:
            record = desk.call(call.call_sid)
            assert (record["status"], record["duration_seconds"]) == (
                "completed" if call.talk_s else "busy",
                call.talk_s,
            )
        assert desk.compare().report.counts == {Kind.UNLISTED_CALL: 1}


def _told(facts: list[Fact]) -> list[Submission]:
    return [Submission(TENANT, fact) for fact in facts]


def _open(fact: Fact) -> Fact:
    said: Any = {name: value for name, value in fact.said.items() if name in {"provider", "started_us"}}
    return msgspec.structs.replace(fact, said=said, door=Door.CALLBACK)


def _renamed(fact: Fact, call: Made) -> Fact:
    said: Any = {**fact.said, "started_us": call.started_us, "ended_us": call.ended_us}
    return msgspec.structs.replace(
        fact, call_sid=call.call_sid, said=said, occurred_us=call.started_us, links=()
    )
