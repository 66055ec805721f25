"""Twilio's list of calls over HTTP, from a test double that Twilio's own SDK reads as well."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from twilio.rest import Client

from calltally.calls.errors import CalltallyError, Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Channel, Fact
from calltally.calls.times import SECOND_US
from calltally.net import RetryingClient
from calltally.providers.call_fetcher import ApiAccess, StartWindow
from calltally.providers.callback import UnreadableRecord
from calltally.providers.registry import FETCHERS
from calltally.reconcile.provider_client import ProviderClient
from calltally.retry_policy import RetryPolicy
from tests.conftest import NOW_US
from tests.twilio_api import ACCOUNT, KEY, TOKEN, TwilioApi, resource, served

T = TypeVar("T")
BY_TOKEN = {"account_sid": ACCOUNT, "auth_token": TOKEN}
BY_KEY = {"account_sid": ACCOUNT, "auth_token": "old", "api_key_sid": KEY[0], "api_key_secret": KEY[1]}
START_US = NOW_US - 30 * 86_400 * SECOND_US


def sid(number: int) -> str:
    return f"CA{number:032x}"


def calls(count: int) -> list[dict[str, Any]]:
    return [resource(sid(number), START_US + number * SECOND_US) for number in range(count)]


def with_client(
    api: TwilioApi, work: Callable[[ProviderClient], Awaitable[T]], secrets: dict[str, str] = BY_TOKEN
) -> T:
    async def session() -> T:
        retry_policy = RetryPolicy(tries=3, first_s=0.0)
        async with RetryingClient(lambda: 0.0, timeout_s=5, retry_policy=retry_policy) as client:
            access = ApiAccess(api.url, secrets, NOW_US)
            return await work(ProviderClient(FETCHERS["twilio"], access, client.request))

    return asyncio.run(session())


async def listed(client: ProviderClient, begin: int = 0, end: int = 100_000) -> list[Fact | UnreadableRecord]:
    started = StartWindow(START_US + begin * SECOND_US, START_US + end * SECOND_US)
    return [item async for page in client.pages(started) for item in page]


@pytest.mark.parametrize("secrets", [BY_TOKEN, BY_KEY])
def test_all_pages_of_the_list_are_read(secrets: dict[str, str]) -> None:
    with served(TwilioApi(calls(2_500), busy_every=2)) as api:
        items = with_client(api, listed, secrets)
    facts = [item for item in items if isinstance(item, Fact)]
    assert [fact.call_sid for fact in facts] == [sid(number) for number in reversed(range(2_500))]
    assert {(fact.channel, fact.account, fact.received_us) for fact in facts} == {
        (Channel.PROVIDER_LIST, ACCOUNT, NOW_US)
    }
    # Three pages; after the first request each second one gets a retry response.
    assert len(api.requested) == 5


def test_period_includes_both_ends() -> None:
    with served(TwilioApi(calls(50))) as api:
        items = with_client(api, lambda client: listed(client, 10, 20))
    assert [item.call_sid for item in items if isinstance(item, Fact)] == [
        sid(number) for number in range(20, 9, -1)
    ]


def test_known_and_unknown_single_call() -> None:
    async def both(
        client: ProviderClient,
    ) -> tuple[list[Fact | UnreadableRecord], list[Fact | UnreadableRecord]]:
        return await client.call(sid(1)), await client.call("CA/../x")

    with served(TwilioApi(calls(2))) as api:
        found, missing = with_client(api, both)
    (fact,) = found
    assert isinstance(fact, Fact)
    assert (fact.call_sid, fact.stated["status"]) == (sid(1), "completed")
    assert missing == []
    assert api.requested[-1].endswith("/Calls/CA%2F..%2Fx.json")


def test_unreadable_item_is_a_refusal_with_position() -> None:
    odd = resource(sid(0), START_US, status="exploded")
    with served(TwilioApi([odd, *calls(2)[1:]])) as api:
        fact, refusal = with_client(api, listed)
    assert isinstance(fact, Fact)
    assert isinstance(refusal, UnreadableRecord)
    assert refusal.position == "Twilio's response calls[1]"
    assert "exploded" in refusal.reason


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"auth_token": TOKEN}, "account_sid is missing"),
        ({"account_sid": "acme", "auth_token": TOKEN}, "account_sid is not AC"),
        ({**BY_TOKEN, "api_key_sid": KEY[0]}, "store both"),
        ({**BY_TOKEN, "auth_token": "wrong"}, r"401 \(Authenticate\)"),
    ],
)
def test_insufficient_secrets_are_refused(secrets: dict[str, str], message: str) -> None:
    with served(TwilioApi(calls(1))) as api, pytest.raises(Misconfigured, match=message) as raised:
        with_client(api, listed, secrets)
    assert "wrong" not in raised.value.detail.removeprefix("Twilio answered")


def test_busy_or_unreachable_provider_is_unavailable() -> None:
    with served(TwilioApi(calls(1), busy_every=1)) as api:
        with pytest.raises(Unavailable, match="429"):
            with_client(api, listed)
        assert len(api.requested) == 3
    with pytest.raises(Unavailable, match="no answer from"):
        with_client(api, listed)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"calls": [], "next_page_uri": "https://elsewhere.example/steal"}, NotUnderstood),
        ({"calls": [], "next_page_uri": 7}, NotUnderstood),
        (
            {"calls": [], "next_page_uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json?Page=1\r\nX: y"},
            NotUnderstood,
        ),
        ({"sid": "CA1"}, NotUnderstood),
        ([], NotUnderstood),
    ],
)
def test_invalid_page_is_refused(document: object, error: type[CalltallyError]) -> None:
    class Odd(TwilioApi):
        def _page(self, path: str, query: dict[str, str]) -> Any:  # noqa: ANN401, ARG002 (as its parent has it)
            return self._odd

        _odd = None

    api = Odd()
    api._odd = _reply(document)
    with served(api), pytest.raises(error):
        with_client(api, listed)
    assert len(api.requested) == 1


@pytest.mark.parametrize("pages", [1, 3])
def test_list_that_links_back_is_not_read_forever(pages: int) -> None:
    class Circle(TwilioApi):
        def _page(self, path: str, query: dict[str, str]) -> Any:  # noqa: ANN401 (as its parent has it)
            following = (int(query.get("Page", "0")) + 1) % pages
            return _reply({"calls": [], "next_page_uri": f"{path}?Page={following}"})

    api = Circle()
    with served(api), pytest.raises(NotUnderstood, match="links back"):
        with_client(api, listed)
    assert len(api.requested) == pages + 1


def _reply(document: object) -> Any:  # noqa: ANN401 (the stand-in's own type)
    return TwilioApi()._found("/2010-04-01/nowhere", {})._replace(status=200, document=document)


def test_twilio_sdk_lists_the_same_calls() -> None:
    with served(TwilioApi(calls(130))) as api:
        client = Client(ACCOUNT, TOKEN)
        client.api.base_url = api.url
        begin, end = (datetime.fromtimestamp(START_US // SECOND_US + at, UTC) for at in (10, 119))
        found = client.calls.list(start_time_after=begin, start_time_before=end, page_size=50)
        one = client.calls(sid(7)).fetch()
        client.http_client.session.close()
        ours = with_client(api, lambda client: listed(client, 10, 119))
    assert [call.sid for call in found] == [item.call_sid for item in ours if isinstance(item, Fact)]
    assert len(found) == 110
    assert (one.status, one.duration, one.start_time.timestamp()) == (
        *("completed", "60"),
        START_US // SECOND_US + 7,
    )
