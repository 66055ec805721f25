"""Delivery of events: complete, in order, signed, with well and badly behaved endpoints."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.calls.identity import call_uuid
from calltally.client.webhooks import verify
from calltally.deliveries import requests
from calltally.deliveries.dispatcher import DeliveryDispatcher
from calltally.deliveries.retry_schedule import GIVES_UP_AFTER_US
from calltally.net.http_client import OutgoingClient, RequestOutcome
from calltally.store.db.interface import Submission
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.tenants import set_masking
from calltally.store.tenants.vault import Vault
from calltally.store.webhooks.deliveries import (
    DEAD,
    DELIVERED,
    WAITING,
    ReplayRange,
    find_delivery,
    replay_one,
    replay_some,
)
from calltally.store.webhooks.endpoints import (
    delete_endpoint,
    endpoints_of,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    seal_secret,
)
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.deliveries.delivering import SECRET, VAULT, DeliverySetup, wait_until
from tests.integration.net.receivers import (
    OK,
    Behave,
    Receiver,
    Visit,
    answer_ok,
    answering,
    hang,
    receiving,
    reset,
)
from tests.integration.store.probing import direct
from tests.sample_facts import fact

FAILED = b"HTTP/1.1 500 No\r\ncontent-length: 7\r\n\r\nsorry!\n"
Story = Callable[[DeliverySetup, Receiver, str], Coroutine[Any, Any, None]]


def run_story(bench: Bench, story: Story, behave: Behave = answer_ok) -> None:
    """Run a story with a setup, a receiver and its URL."""

    async def session() -> None:
        async with receiving(behave) as receiver:
            await story(DeliverySetup(bench), receiver, f"http://127.0.0.1:{receiver.port}/hook")

    bench.run(session())


def bodies_of(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(visit.body) for visit in receiver.visits]


def received_events(receiver: Receiver) -> list[tuple[str, str]]:
    return [(body["data"].get("call_sid", ""), body["event"].split(".")[-1]) for body in bodies_of(receiver)]


def failing(times: int) -> Behave:
    """Answer 500 this many times, then 200."""
    left = times

    async def behave(visit: Visit) -> None:
        nonlocal left
        left -= 1
        await visit.send(FAILED if left >= 0 else OK)

    return behave


@pytest.mark.parametrize("form", ["standard", "cloudevents"])
def test_events_are_masked_for_an_endpoint_that_may_not_see_numbers(bench: Bench, form: str) -> None:
    stated: Any = {"from_number": "+14155550123", "to_number": "70117", "summary": "call\n+14155550188"}
    masked = {"from_number": "+*********23", "to_number": "***17", "summary": "call\n+*********88"}

    async def story(desk: DeliverySetup, receiver: Receiver, url: str) -> None:
        await desk.store.write(set_masking(TENANT, masks=True))
        await desk.endpoint(url, form=form, sees_numbers=False)
        await desk.endpoint(url + "?whole", form=form)
        async with desk.delivering():
            await desk.store.submit([Submission(TENANT, fact(9, "CA1", status="ringing", **stated))])
            await wait_until(lambda: len(receiver.visits) == 2)
        sent = {"?whole" in str(visit.head): visit for visit in receiver.visits}
        for is_whole, visit in sent.items():
            data = json.loads(visit.body)["data"]
            assert {name: data[name] for name in stated} == (stated if is_whole else masked)
            sent_at = int(visit.headers["webhook-timestamp"])
            if form == "standard":
                verify(visit.body, visit.headers, secrets=SECRET, now_s=sent_at)

    run_story(bench, story)


def test_events_are_delivered_signed_and_in_order(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        async with setup.delivering():
            await setup.submit_call("a", "ringing", 1)
            await setup.submit_call("a", "completed", 9)
            await wait_until(lambda: len(receiver.visits) == 2)
        assert received_events(receiver) == [("a", "started"), ("a", "completed")]
        for visit in receiver.visits:
            sent_at = int(visit.headers["webhook-timestamp"])
            assert verify(visit.body, visit.headers, secrets=SECRET, now_s=sent_at).tenant_id == TENANT
            assert visit.headers["webhook-id"] == json.loads(visit.body)["id"]
            assert visit.headers["content-type"] == "application/json"
        deliveries = await setup.deliveries(endpoint)
        assert [(each.state, each.attempts) for each in deliveries] == [(DELIVERED, 1)] * 2
        _, [attempt] = await setup.store.read(find_delivery(TENANT, endpoint, deliveries[0].event_id))
        assert (attempt.status, attempt.reason, attempt.answer, attempt.next_us) == (200, None, b"ok", None)

    run_story(bench, story)


def test_due_deliveries_are_made_once_without_a_loop(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        await setup.submit_call("a", "ringing", 1)
        dependencies = setup.sending(1.0, lambda: 0.0, "one")
        await DeliveryDispatcher(dependencies, asyncio.Event()).run_due()
        assert received_events(receiver) == [("a", "started")]
        assert [each.state for each in await setup.deliveries(endpoint)] == [DELIVERED]

    run_story(bench, story)


def test_new_endpoint_gets_no_backlog_and_a_deleted_one_nothing(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        await setup.submit_call("before", "completed")
        endpoint = await setup.endpoint(url)
        async with setup.delivering():
            await setup.submit_call("after", "ringing", 1)
            await wait_until(lambda: len(receiver.visits) == 1)
            await setup.store.write(delete_endpoint(TENANT, endpoint, NOW_US))
            await setup.submit_call("after", "completed")
            other = await setup.endpoint(url, events=("voice.call.completed",))
            await setup.submit_call("last", "completed")
            await wait_until(lambda: len(receiver.visits) == 2)
            assert [each.endpoint for each in await setup.store.read(endpoints_of(TENANT))] == [other]
        assert received_events(receiver) == [("after", "started"), ("last", "completed")]

    run_story(bench, story)


def test_later_event_of_a_call_waits_and_other_calls_do_not(bench: Bench) -> None:
    refused = 0

    async def refuse_a_started(visit: Visit) -> None:
        nonlocal refused
        body = json.loads(visit.body)
        is_first_of_a = (body["data"]["call_sid"], body["event"]) == ("a", "voice.call.started")
        refused += is_first_of_a
        await visit.send(FAILED if is_first_of_a and refused < 4 else OK)

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        await setup.submit_call("a", "completed")
        await setup.submit_call("b", "completed")
        async with setup.delivering(chance=lambda: 0.01):
            await wait_until(lambda: len(receiver.visits) == 7)
        events = received_events(receiver)
        assert [word for sid, word in events if sid == "a"] == ["started"] * 4 + ["completed"]
        assert [word for sid, word in events if sid == "b"] == ["started", "completed"]
        assert events.index(("b", "completed")) < events.index(("a", "completed"))
        assert len({visit.headers["webhook-id"] for visit in receiver.visits}) == 4
        started = (await setup.deliveries(endpoint))[-1]
        assert started.attempts in (1, 4)

    run_story(bench, story, refuse_a_started)


def test_each_attempt_is_recorded_with_its_response(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.started",))
        await setup.submit_call("a", "ringing")
        async with setup.delivering():
            await wait_until(lambda: len(receiver.visits) == 3)
        [delivery] = await setup.deliveries(endpoint)
        found, attempts = await setup.store.read(find_delivery(TENANT, endpoint, delivery.event_id))
        assert (found.state, found.attempts, found.reason) == (DELIVERED, 3, None)
        assert [(each.attempt, each.status, each.reason) for each in attempts] == [
            (1, 500, "answered 500"),
            (2, 500, "answered 500"),
            (3, 200, None),
        ]
        assert attempts[0].answer == b"sorry!\n"
        assert attempts[0].next_us is not None
        text = setup.metrics.text().decode()
        assert 'calltally_delivery_attempts_total{outcome="failed"} 2.0' in text
        assert "calltally_delivery_first_attempt_seconds_count 1.0" in text

    run_story(bench, story, failing(2))


def test_internal_error_is_a_failed_attempt_and_blocks_nothing_else(bench: Bench) -> None:
    """Regression: the task ended silently or with a misleading log line, and the endpoint waited for ever."""

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.completed",))
        for sid in ("damaged", "sound"):
            await setup.submit_call(sid, "completed")
        with direct(bench.url) as db:
            whole = db("SELECT body FROM outbox WHERE call_id = ?", call_uuid(TENANT, "damaged"))[0][0]
            db("UPDATE outbox SET body = ? WHERE call_id = ?", b"junk", call_uuid(TENANT, "damaged"))
        with capture_logs() as logs:
            async with setup.delivering():
                await wait_until(lambda: len(receiver.visits) == 1 and logs)
        assert received_events(receiver) == [("sound", "completed")]
        damaged = next(each for each in await setup.deliveries(endpoint) if each.state != DELIVERED)
        _, [attempt, *_] = await setup.store.read(find_delivery(TENANT, endpoint, damaged.event_id))
        assert (attempt.status, attempt.reason) == (
            None,
            "internal: internal error (DamagedStore); see the service's log",
        )
        assert (logs[0]["log_level"], logs[0]["event"]) == (
            "error",
            "a delivery failed with an internal error",
        )
        assert logs[0]["tenant"] == TENANT
        assert 'calltally_delivery_attempts_total{outcome="failed"}' in setup.metrics.text().decode()
        with direct(bench.url) as db:
            db("UPDATE outbox SET body = ? WHERE call_id = ?", whole, call_uuid(TENANT, "damaged"))
        async with setup.delivering():
            await wait_until(lambda: len(receiver.visits) == 2)
        assert {each.state for each in await setup.deliveries(endpoint)} == {DELIVERED}

    run_story(bench, story)


def test_unexpected_error_of_a_request_is_a_failed_attempt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, faults = OutgoingClient.post, [LookupError("a word that nobody knows")] * 3

    async def fail(
        outgoing: OutgoingClient, url: str, headers: Mapping[str, str], body: bytes
    ) -> RequestOutcome:
        if faults:
            raise faults.pop()
        return await post(outgoing, url, headers, body)

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.completed",))
        await setup.submit_call("a", "completed")
        monkeypatch.setattr(OutgoingClient, "post", fail)
        with capture_logs():
            async with setup.delivering():
                await wait_until(lambda: len(receiver.visits) == 1)
        [delivery] = await setup.deliveries(endpoint)
        assert (delivery.state, delivery.attempts, delivery.reason) == (DELIVERED, 4, None)

    run_story(bench, story)


def test_dead_delivery_after_three_days_releases_the_next_of_its_call(bench: Bench) -> None:
    async def refuse_started(visit: Visit) -> None:
        await visit.send(FAILED if b"voice.call.started" in visit.body else OK)

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        await setup.submit_call("a", "completed")
        async with setup.delivering(chance=lambda: 1.0):
            await wait_until(lambda: len(receiver.visits) == 1)
            setup.clock.ahead_us += GIVES_UP_AFTER_US
            await wait_until(lambda: len(receiver.visits) == 3)
        assert received_events(receiver) == [("a", "started"), ("a", "started"), ("a", "completed")]
        states = {each.event: each.state for each in await setup.deliveries(endpoint)}
        assert states == {"voice.call.started": DEAD, "voice.call.completed": DELIVERED}

    run_story(bench, story, refuse_started)


def test_dead_deliveries_are_replayed_under_their_ids(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        await setup.submit_call("a", "ringing", 1)
        async with setup.delivering(chance=lambda: 1.0):
            await wait_until(lambda: len(receiver.visits) == 1)
            setup.clock.ahead_us += GIVES_UP_AFTER_US
            await wait_until(lambda: len(receiver.visits) == 2)
        [dead] = await setup.deliveries(endpoint)
        assert dead.state == DEAD
        again = ReplayRange.of_window(0, None, (DEAD,))
        assert await setup.store.write(replay_some(TENANT, endpoint, again, setup.clock())) == (1, None)
        async with setup.delivering():
            await wait_until(lambda: len(receiver.visits) == 3)
        await setup.store.write(replay_one(TENANT, endpoint, dead.event_id, setup.clock()))
        async with setup.delivering():
            await wait_until(lambda: len(receiver.visits) == 4)
        [delivery] = await setup.deliveries(endpoint)
        assert (delivery.state, delivery.attempts) == (DELIVERED, 4)
        assert len({(visit.headers["webhook-id"], visit.body) for visit in receiver.visits}) == 1

    run_story(bench, story, failing(2))


def test_paused_endpoint_gets_all_events_after_it_is_resumed(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.completed",))
        async with setup.delivering():
            await setup.submit_call("a", "completed")
            await wait_until(lambda: len(receiver.visits) == 1)
            await setup.store.write(pause_endpoint(TENANT, endpoint, "by hand", setup.clock()))
            await setup.submit_call("b", "completed")
            other = await setup.endpoint(url + "/other", events=("voice.call.completed",))
            await setup.submit_call("c", "completed")
            await wait_until(lambda: len(receiver.visits) == 2)
            assert len(await setup.deliveries(other)) == 1
            await setup.store.write(resume_endpoint(TENANT, endpoint, setup.clock()))
            await wait_until(lambda: len(receiver.visits) == 4)
        assert received_events(receiver)[2:] == [("b", "completed"), ("c", "completed")]

    run_story(bench, story)


def test_410_pauses_the_endpoint_and_notifies_the_others(bench: Bench) -> None:
    async def gone_there(visit: Visit) -> None:
        is_gone = visit.head.startswith(b"POST /gone ")
        await visit.send(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n" if is_gone else OK)

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        gone = await setup.endpoint(url.replace("/hook", "/gone"), events=("voice.call.started",))
        await setup.endpoint(url, events=("voice.webhook.delivery_failed",), agent="nobody")
        async with setup.delivering():
            await setup.submit_call("a", "ringing")
            await wait_until(lambda: len(receiver.visits) == 2)
        notice = bodies_of(receiver)[1]
        assert notice["event"] == "voice.webhook.delivery_failed"
        assert notice["data"]["reason"] == "the endpoint answered 410 Gone"
        assert notice["data"]["host"] == "127.0.0.1"
        [paused, _] = await setup.store.read(endpoints_of(TENANT))
        assert (paused.endpoint, paused.state, paused.reason) == (gone, "paused", notice["data"]["reason"])
        [delivery] = await setup.deliveries(gone)
        assert (delivery.state, delivery.reason) == (WAITING, "answered 410")

    run_story(bench, story, gone_there)


def test_endpoint_pauses_after_days_of_failure(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        await setup.endpoint(url)
        async with setup.delivering(chance=lambda: 1.0):
            await setup.submit_call("a", "ringing", 1)
            await wait_until(lambda: len(receiver.visits) == 1)
            setup.clock.ahead_us += 2 * GIVES_UP_AFTER_US
            await wait_until(lambda: len(receiver.visits) == 2)
        [endpoint] = await setup.store.read(endpoints_of(TENANT))
        assert (endpoint.state, endpoint.reason) == ("paused", "deliveries failed for five days")

    run_story(bench, story, answering(FAILED))


def test_retry_after_is_honoured(bench: Bench) -> None:
    busy = b"HTTP/1.1 429 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n"

    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.started",))
        async with setup.delivering():
            await setup.submit_call("a", "ringing")
            await wait_until(lambda: len(receiver.visits) == 1)
            await setup.submit_call("b", "ringing")
            await wait_until(lambda: setup.metrics.text().count(b'outcome="failed"') > 0)
        [tried] = [each for each in await setup.deliveries(endpoint) if each.attempts]
        assert tried.due_us >= tried.updated_us + 3_590 * 1_000_000
        assert len(receiver.visits) == 1

    run_story(bench, story, answering(busy))


def test_two_secrets_sign_while_one_replaces_the_other(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.started",))
        newer = "whsec_" + "bmV3ZXI="
        sealed = seal_secret(VAULT, TENANT, endpoint, newer)
        await setup.store.write(
            rotate_secret(TENANT, endpoint, sealed, setup.clock() + 60_000_000, setup.clock())
        )
        async with setup.delivering():
            await setup.submit_call("a", "ringing")
            await wait_until(lambda: len(receiver.visits) == 1)
            setup.clock.ahead_us += 61_000_000
            await setup.submit_call("b", "ringing")
            await wait_until(lambda: len(receiver.visits) == 2)
        both, one = (visit.headers["webhook-signature"].split() for visit in receiver.visits)
        assert (len(both), len(one)) == (2, 1)
        first = receiver.visits[0]
        for secret in (newer, SECRET):
            sent_at = int(first.headers["webhook-timestamp"])
            verify(first.body, first.headers, secrets=secret, now_s=sent_at)

    run_story(bench, story)


def test_events_of_an_erased_call_are_not_sent(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url)
        await setup.submit_call("a", "completed")
        async with setup.delivering(chance=lambda: 1.0):
            await wait_until(lambda: len(receiver.visits) == 1)
            await setup.store.write(erase_call(TENANT, "a", setup.clock()))
            await setup.submit_call("b", "ringing")
            await wait_until(lambda: len(receiver.visits) == 2)
        assert received_events(receiver) == [("a", "started"), ("b", "started")]
        left = await setup.deliveries(endpoint)
        assert {each.call_id for each in left} == {call_uuid(TENANT, "b")}

    run_story(bench, story, failing(1))


def test_cloudevents_format_has_the_same_data(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        await setup.endpoint(url, form="cloudevents", events=("voice.call.completed",))
        async with setup.delivering():
            await setup.submit_call("a", "busy")
            await wait_until(lambda: len(receiver.visits) == 1)
        [visit] = receiver.visits
        event = json.loads(visit.body)
        assert visit.headers["content-type"] == "application/cloudevents+json"
        assert (event["specversion"], event["type"], event["source"]) == (
            "1.0",
            "voice.call.completed",
            "/tenants/acme",
        )
        assert event["id"] == visit.headers["webhook-id"]
        assert event["subject"] == event["data"]["id"]
        assert event["dataschema"] == "/schemas/voice.call.completed.data.json"
        assert event["data"]["status"] == "busy"

    run_story(bench, story)


@pytest.mark.parametrize("behave", [hang, reset], ids=["hangs", "resets"])
def test_unresponsive_endpoint_delays_no_other(bench: Bench, behave: Behave) -> None:
    async def session() -> None:
        setup = DeliverySetup(bench)
        async with receiving(behave) as bad, receiving(answer_ok) as good:
            for number in range(3):
                await setup.endpoint(f"http://127.0.0.1:{bad.port}/{number}")
            await setup.endpoint(f"http://127.0.0.1:{good.port}/", events=("voice.call.started",))
            async with setup.delivering(timeout_s=1.0, chance=lambda: 1.0):
                for number in range(30):
                    await setup.submit_call(f"call-{number}", "ringing")
                await wait_until(lambda: len(good.visits) == 30, 5.0)
                assert len(bad.visits) <= 3 * 30

    bench.run(session())


def test_two_workers_send_each_event_once(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        await setup.endpoint(url)
        async with setup.delivering(holder="one"), setup.delivering(holder="two"):
            await asyncio.gather(*[setup.submit_call(f"call-{number}", "completed") for number in range(50)])
            await wait_until(lambda: len(receiver.visits) == 100)
        assert len({visit.headers["webhook-id"] for visit in receiver.visits}) == len(receiver.visits) == 100

    run_story(bench, story)


def test_unreadable_secret_loses_no_event(bench: Bench) -> None:
    async def story(setup: DeliverySetup, receiver: Receiver, url: str) -> None:
        endpoint = await setup.endpoint(url, events=("voice.call.started",))
        await setup.store.write(rotate_secret(TENANT, endpoint, b"\x01\x00bad", 0, setup.clock()))
        async with setup.delivering():
            await setup.submit_call("a", "ringing")
            await asyncio.sleep(0)
        assert receiver.visits == []
        assert all(each.state == WAITING for each in await setup.deliveries(endpoint))

    run_story(bench, story)


def test_a_key_file_that_cannot_be_read_for_a_while_holds_up_no_event_for_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_SEAL_RETRY_S", 0.01)
    faults = [PermissionError("secret.key")]
    opened = requests.TenantRequests._open_vault

    def open_later(self: requests.TenantRequests) -> Vault:
        if faults:
            raise faults.pop()
        return opened(self)

    monkeypatch.setattr(requests.TenantRequests, "_open_vault", open_later)

    async def story(desk: DeliverySetup, receiver: Receiver, url: str) -> None:
        await desk.endpoint(url)
        async with desk.delivering():
            await desk.submit_call("CA1", "completed")
            await wait_until(lambda: receiver.visits)

    with capture_logs() as logs:
        run_story(bench, story)
    assert faults == []
    assert [line["detail"] for line in logs if line["event"] == "a delivery cannot be signed"] == [
        "secret.key"
    ]
