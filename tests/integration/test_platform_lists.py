"""The lists of voice-agent platforms: pages and waits, and their word against what they told before."""

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
from calltally.calls.identity import Node
from calltally.calls.times import DAY_US, SECOND_US, parse_instant
from calltally.calls.windows import Window
from calltally.cli.reconcile.provider_command import Question, compare
from calltally.net import HttpRetryPolicy, RetryingClient
from calltally.providers.callback import Refusal
from calltally.providers.list_requests import Access, Started
from calltally.providers.registry import FETCHES
from calltally.reconcile.findings import Kind
from calltally.reconcile.open_call_poll import ask_about
from calltally.reconcile.provider_client import Asking
from calltally.reconcile.provider_reconciliation import Place
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings import Settings
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
WINDOW = Window(START_US, START_US + 10 * DAY_US)
platforms = pytest.mark.parametrize("name", PLATFORMS)


def sid(number: int) -> str:
    return f"{number:08x}-2962-41e7-baf4-90f63e25e439"


def made(count: int, *, apart_s: int = 60) -> list[Made]:
    """Every fourth was busy."""
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
            access = Access(api.url, PLATFORMS[name].secrets if secrets is None else secrets, NOW_US)
            return await work(Asking(FETCHES[name], access, client.request))

    return asyncio.run(session())


async def listed(asking: Asking, begin_s: int = 0, end_s: int = 10 * 86_400) -> list[Fact | Refusal]:
    started = Started(START_US + begin_s * SECOND_US, START_US + end_s * SECOND_US)
    return [item async for page in asking.pages(started) for item in page]


@platforms
def test_all_pages_of_the_list_with_its_waits(name: str) -> None:
    calls = made(1_050 if name == "vapi" else 230, apart_s=30)
    with served(PLATFORMS[name](calls, busy_every=3)) as api:
        items = ask(name, api, listed)
    facts = {item.call_sid: item for item in items if isinstance(item, Fact)}
    assert set(facts) == {call.call_sid for call in calls}
    assert {(fact.door, fact.provider) for fact in facts.values()} == {(Door.PROVIDER_LIST, name)}
    assert {fact.account for fact in facts.values()} == {PLATFORMS[name].account}
    for call in calls:
        said = facts[call.call_sid].said
        assert (said["status"] == "completed") == (call.talk_s > 0)
        if call.talk_s:
            assert said["answered_us"] == call.answered_us


@platforms
def test_a_stretch_of_time_holds_both_its_ends(name: str) -> None:
    calls = [call._replace(talk_s=0) for call in made(50)]
    with served(PLATFORMS[name](calls)) as api:
        items = ask(name, api, lambda asking: listed(asking, 600, 1_200))
    sids = {item.call_sid for item in items if isinstance(item, Fact)}
    assert sids == {sid(number) for number in range(10, 21)}


@platforms
def test_one_call_has_its_carrier_and_what_was_said(name: str) -> None:
    async def both(asking: Asking) -> tuple[list[Fact | Refusal], list[Fact | Refusal]]:
        return await asking.call(sid(1)), await asking.call("no/../such")

    with served(PLATFORMS[name](made(3))) as api:
        found, missing = ask(name, api, both)
    (fact,) = found
    assert isinstance(fact, Fact)
    assert fact.links == (Node(carrier_sid(made(2)[1]), is_carrier=True),)
    assert fact.said["summary"] == "Booked a table."
    assert b"Good morning." in fact.conversation
    assert missing == []
    assert "no%2F..%2Fsuch" in api.asked[-1]


@platforms
def test_secrets_that_do_not_do(name: str) -> None:
    stored = PLATFORMS[name].secrets
    with served(PLATFORMS[name](made(1))) as api:
        with pytest.raises(Misconfigured, match="api_key"):
            ask(name, api, listed, {key: value for key, value in stored.items() if key != "api_key"})
        with pytest.raises(Misconfigured, match="401"):
            ask(name, api, listed, {**stored, "api_key": "another"})


@platforms
def test_a_platform_that_stays_busy_or_away_is_unavailable(name: str) -> None:
    with served(PLATFORMS[name](made(1), busy_every=1)) as api:
        with pytest.raises(Unavailable, match=r"429 \("):
            ask(name, api, listed)
        assert len(api.asked) == 3
    with pytest.raises(Unavailable, match="no answer from"):
        ask(name, api, listed)


@platforms
@pytest.mark.parametrize("document", [{}, {"data": []}, "text", {"items": 1}, {"conversations": {}}])
def test_an_answer_that_is_no_page(name: str, document: object) -> None:
    with served(PLATFORMS[name]()) as api:
        api.odd = document
        with pytest.raises(NotUnderstood):
            ask(name, api, listed)
        assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("retell", {"items": [], "has_more": True}),
        ("elevenlabs", {"conversations": [], "has_more": True, "next_cursor": None}),
        ("vapi", [{"id": "1"}] * 1_000),
    ],
)
def test_a_page_that_does_not_lead_on_is_no_end(name: str, page: object) -> None:
    """Peers, point 11: no list is cut without a word."""
    with served(PLATFORMS[name]()) as api:
        api.odd = page
        with pytest.raises(NotUnderstood, match=r"pagination_key|next_cursor|createdAt"):
            ask(name, api, listed)


def test_a_page_of_vapi_that_stands_still_ends_with_an_error() -> None:
    calls = [Made(sid(number), START_US) for number in range(1_001)]
    with served(PLATFORMS["vapi"](calls)) as api, pytest.raises(NotUnderstood, match="leads back"):
        ask("vapi", api, listed)


class Desk:
    """A tenant with a platform's secrets, whose calls a carrier told of; and the platform's stand-in."""

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
        question = Question(TENANT, self.name, WINDOW, heal=heal)
        return self.bench.run(compare(self.bench.store, self.settings, question, NOW_US))

    def reports(self) -> list[Fact]:
        """What the platform would say of each call, whole."""

        async def all_of(asking: Asking) -> list[Fact]:
            told = [item for call_sid in self.api.calls for item in await asking.call(call_sid)]
            return [item for item in told if isinstance(item, Fact)]

        return ask(self.name, self.api, all_of)

    def tell(self, *facts: Fact) -> None:
        self.bench.run(self.bench.store.submit([Submission(TENANT, fact) for fact in facts]))

    def call(self, call_sid: str) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)

    def session(self, session_id: str) -> Any:  # noqa: ANN401 (a session)
        return self.bench.run(self.bench.store.read(find_session(TENANT, session_id)))


def carriers(call: Made) -> Fact:
    """The carrier's last word, by whose clocks the talk was five seconds longer."""
    said: Any = {
        "status": "completed" if call.talk_s else "busy",
        "provider": "twilio",
        "started_us": call.started_us,
        **({"answered_us": call.answered_us, "talk_seconds": float(call.talk_s + 5)} if call.talk_s else {}),
        "ended_us": call.ended_us,
    }
    return Fact(
        call_sid=carrier_sid(call),
        door=Door.CALLBACK,
        provider="twilio",
        account="AC1",
        event_id="",
        sequence=None,
        occurred_us=call.ended_us,
        received_us=call.ended_us,
        digest=b"\0" * 16,
        said=said,
        raw=b"",
        is_carrier=True,
    )


def reported(fact: Fact, **said: Any) -> Fact:  # noqa: ANN401 (values of facts)
    """The same as a webhook tells it."""
    told: Any = {**fact.said, **said}
    return msgspec.structs.replace(fact, door=Door.CALLBACK, said=told)


@platforms
def test_reports_that_never_came_are_found_by_the_platforms_own_ids_and_healed(
    bench: Bench, name: str
) -> None:
    """The carrier told of all calls and is believed; of three of them the platform's report was lost."""
    calls = made(6, apart_s=3_600)
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.tell(*map(carriers, calls))
        reports = desk.reports()
        desk.tell(*map(reported, reports[:3]))
        # Of the fourth there was a beginning: the carrier ended it, the platform's word of that is missing.
        desk.tell(begun(reports[3]))

        found = desk.compare(heal=True)
        assert found.report.counts == {Kind.UNHEARD_CALL: 2, Kind.MISSING_FINAL_STATE: 1}
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


def begun(fact: Fact) -> Fact:
    said: Any = {name: fact.said[name] for name in ("provider", "session_id")}
    return msgspec.structs.replace(
        fact, door=Door.CALLBACK, said={**said, "status": "in-progress"}, conversation=b"", digest=b"\1" * 16
    )


@platforms
def test_what_the_platform_told_otherwise_is_a_contradiction_and_the_carriers_word_is_none(
    bench: Bench, name: str
) -> None:
    calls = made(4, apart_s=3_600)[1:]
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.tell(*map(carriers, calls))
        reports = desk.reports()
        desk.tell(reported(reports[0], status="failed"), reported(reports[1], talk_seconds=9.0))
        desk.tell(reported(reports[2]))
        assert desk.compare().report.counts == {Kind.CONTRADICTION: 1, Kind.OTHER_DURATION: 1}
        desk.compare(heal=True)
        assert desk.compare().report.counts == {}


@platforms
def test_a_call_that_the_platform_does_not_know_is_told_and_one_of_another_platform_is_not(
    bench: Bench, name: str
) -> None:
    calls = made(4, apart_s=3_600)
    with served(PLATFORMS[name](calls)) as api:
        desk = Desk(bench, name, api)
        desk.tell(*map(carriers, calls))
        reports = desk.reports()
        desk.tell(*map(reported, reports))
        other = reported(reports[0], provider="bland", session_id="bland-1")
        desk.tell(msgspec.structs.replace(other, provider="bland", call_sid="bland-1", links=()))
        # The tenant calls the session otherwise, which is not the platform's id.
        desk.tell(own_session(calls[2]))
        assert desk.compare().report.counts == {}

        del api.calls[sid(1)]
        found = desk.compare()
        assert found.report.counts == {Kind.UNLISTED_CALL: 1}
        [finding] = found.report.findings
        assert (finding.call_sid, "does not know it" in finding.detail) == (carrier_sid(calls[1]), True)


def own_session(call: Made) -> Fact:
    said: Any = {"session_id": "ours-2"}
    return msgspec.structs.replace(
        carriers(call), door=Door.OWN_EVENT, provider="", account="", said=said, is_carrier=False
    )


@platforms
def test_a_call_that_no_carrier_tells_of_is_asked_for_before_it_counts_as_stuck(
    bench: Bench, name: str
) -> None:
    with served(PLATFORMS[name](made(2))) as api:
        desk = Desk(bench, name, api)
        report = desk.reports()[1]
        desk.tell(msgspec.structs.replace(begun(report), links=()))
        assert desk.call(sid(1))["status"] == "in-progress"
        place = Place(bench.store, lambda: open_vault(desk.settings), {name: api.url})
        assert bench.run(ask_about(place, TENANT, name, [sid(1)], NOW_US)) == 1
    assert desk.call(sid(1))["status"] == "completed"


def test_vapi_of_another_organisation_is_not_missed(bench: Bench) -> None:
    calls = made(2, apart_s=3_600)
    with served(PLATFORMS["vapi"](calls)) as api:
        desk = Desk(bench, "vapi", api)
        report = reported(desk.reports()[1])
        del api.calls[sid(1)]
        desk.tell(msgspec.structs.replace(report, account="org-2"))
        assert desk.compare().report.counts == {Kind.UNHEARD_CALL: 1}
