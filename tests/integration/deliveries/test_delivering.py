"""Events on their way to endpoints: all of them, in order, signed, however the endpoints behave."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.calls.identity import call_uuid
from calltally.client.webhooks import verify
from calltally.deliveries import requests
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
    Again,
    find_delivery,
    replay_one,
    replay_some,
)
from calltally.store.webhooks.endpoints import (
    Rotation,
    delete_endpoint,
    endpoints_of,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    seal_secret,
)
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.deliveries.delivering import SECRET, VAULT, Desk, until
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
from tests.telling import fact

FAILED = b"HTTP/1.1 500 No\r\ncontent-length: 7\r\n\r\nsorry!\n"
Story = Callable[[Desk, Receiver, str], Coroutine[Any, Any, None]]


def told(bench: Bench, story: Story, behave: Behave = answer_ok) -> None:
    """Tell a story with a desk, a receiver and its URL."""

    async def session() -> None:
        async with receiving(behave) as receiver:
            await story(Desk(bench), receiver, f"http://127.0.0.1:{receiver.port}/hook")

    bench.run(session())


def bodies_of(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(visit.body) for visit in receiver.visits]


def words(receiver: Receiver) -> list[tuple[str, str]]:
    return [(body["data"].get("call_sid", ""), body["event"].split(".")[-1]) for body in bodies_of(receiver)]


def failing(times: int) -> Behave:
    """Answers 500 so many times, then 200."""
    left = times

    async def behave(visit: Visit) -> None:
        nonlocal left
        left -= 1
        await visit.say(FAILED if left >= 0 else OK)

    return behave


@pytest.mark.parametrize("form", ["standard", "cloudevents"])
def test_events_are_masked_for_an_endpoint_that_may_not_see_numbers(bench: Bench, form: str) -> None:
    said: Any = {"from_number": "+14155550123", "to_number": "70117", "summary": "call\n+14155550188"}
    masked = {"from_number": "+*********23", "to_number": "***17", "summary": "call\n+*********88"}

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.store.write(set_masking(TENANT, masks=True))
        await desk.endpoint(url, form=form, sees_numbers=False)
        await desk.endpoint(url + "?whole", form=form)
        async with desk.delivering():
            await desk.store.submit([Submission(TENANT, fact(9, "CA1", status="ringing", **said))])
            await until(lambda: len(receiver.visits) == 2)
        sent = {"?whole" in str(visit.head): visit for visit in receiver.visits}
        for is_whole, visit in sent.items():
            data = json.loads(visit.body)["data"]
            assert {name: data[name] for name in said} == (said if is_whole else masked)
            sent_at = int(visit.headers["webhook-timestamp"])
            if form == "standard":
                verify(visit.body, visit.headers, secrets=SECRET, now_s=sent_at)

    told(bench, story)


def test_what_happens_is_delivered_signed_and_in_order(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url)
        async with desk.delivering():
            await desk.tell("a", "ringing", 1)
            await desk.tell("a", "completed", 9)
            await until(lambda: len(receiver.visits) == 2)
        assert words(receiver) == [("a", "started"), ("a", "completed")]
        for visit in receiver.visits:
            sent_at = int(visit.headers["webhook-timestamp"])
            assert verify(visit.body, visit.headers, secrets=SECRET, now_s=sent_at).tenant_id == TENANT
            assert visit.headers["webhook-id"] == json.loads(visit.body)["id"]
            assert visit.headers["content-type"] == "application/json"
        deliveries = await desk.deliveries(endpoint)
        assert [(each.state, each.attempts) for each in deliveries] == [(DELIVERED, 1)] * 2
        _, [attempt] = await desk.store.read(find_delivery(TENANT, endpoint, deliveries[0].event_id))
        assert (attempt.status, attempt.reason, attempt.answer, attempt.next_us) == (200, None, b"ok", None)

    told(bench, story)


def test_a_new_endpoint_gets_no_backlog_and_a_deleted_one_nothing(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.tell("before", "completed")
        endpoint = await desk.endpoint(url)
        async with desk.delivering():
            await desk.tell("after", "ringing", 1)
            await until(lambda: len(receiver.visits) == 1)
            await desk.store.write(delete_endpoint(TENANT, endpoint, NOW_US))
            await desk.tell("after", "completed")
            other = await desk.endpoint(url, events=("voice.call.completed",))
            await desk.tell("last", "completed")
            await until(lambda: len(receiver.visits) == 2)
            assert [each.endpoint for each in await desk.store.read(endpoints_of(TENANT))] == [other]
        assert words(receiver) == [("after", "started"), ("last", "completed")]

    told(bench, story)


def test_a_later_event_of_a_call_waits_and_other_calls_do_not(bench: Bench) -> None:
    refused = 0

    async def refuse_a_started(visit: Visit) -> None:
        nonlocal refused
        body = json.loads(visit.body)
        is_it = (body["data"]["call_sid"], body["event"]) == ("a", "voice.call.started")
        refused += is_it
        await visit.say(FAILED if is_it and refused < 4 else OK)

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url)
        await desk.tell("a", "completed")
        await desk.tell("b", "completed")
        async with desk.delivering(chance=lambda: 0.01):
            await until(lambda: len(receiver.visits) == 7)
        seen = words(receiver)
        assert [word for sid, word in seen if sid == "a"] == ["started"] * 4 + ["completed"]
        assert [word for sid, word in seen if sid == "b"] == ["started", "completed"]
        assert seen.index(("b", "completed")) < seen.index(("a", "completed"))
        assert len({visit.headers["webhook-id"] for visit in receiver.visits}) == 4
        started = (await desk.deliveries(endpoint))[-1]
        assert started.attempts in (1, 4)

    told(bench, story, refuse_a_started)


def test_each_attempt_is_recorded_with_what_came(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.started",))
        await desk.tell("a", "ringing")
        async with desk.delivering():
            await until(lambda: len(receiver.visits) == 3)
        [delivery] = await desk.deliveries(endpoint)
        found, attempts = await desk.store.read(find_delivery(TENANT, endpoint, delivery.event_id))
        assert (found.state, found.attempts, found.reason) == (DELIVERED, 3, None)
        assert [(each.attempt, each.status, each.reason) for each in attempts] == [
            (1, 500, "answered 500"),
            (2, 500, "answered 500"),
            (3, 200, None),
        ]
        assert attempts[0].answer == b"sorry!\n"
        assert attempts[0].next_us is not None
        text = desk.metrics.text().decode()
        assert 'calltally_delivery_attempts_total{outcome="failed"} 2.0' in text
        assert "calltally_delivery_first_attempt_seconds_count 1.0" in text

    told(bench, story, failing(2))


def test_a_fault_of_ours_is_an_attempt_that_failed_and_holds_up_nothing_else(bench: Bench) -> None:
    """Its task ended without a word, or with one of a secret, and the endpoint waited for it for ever."""

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.completed",))
        for sid in ("damaged", "sound"):
            await desk.tell(sid, "completed")
        with direct(bench.url) as db:
            whole = db("SELECT body FROM outbox WHERE call_id = ?", call_uuid(TENANT, "damaged"))[0][0]
            db("UPDATE outbox SET body = ? WHERE call_id = ?", b"junk", call_uuid(TENANT, "damaged"))
        with capture_logs() as logs:
            async with desk.delivering():
                await until(lambda: len(receiver.visits) == 1 and logs)
        assert words(receiver) == [("sound", "completed")]
        damaged = next(each for each in await desk.deliveries(endpoint) if each.state != DELIVERED)
        _, [attempt, *_] = await desk.store.read(find_delivery(TENANT, endpoint, damaged.event_id))
        assert (attempt.status, attempt.reason) == (
            None,
            "internal: internal error (DamagedStore); see the service's log",
        )
        assert (logs[0]["log_level"], logs[0]["event"]) == (
            "error",
            "a delivery failed with an internal error",
        )
        assert logs[0]["tenant"] == TENANT
        assert 'calltally_delivery_attempts_total{outcome="failed"}' in desk.metrics.text().decode()
        with direct(bench.url) as db:
            db("UPDATE outbox SET body = ? WHERE call_id = ?", whole, call_uuid(TENANT, "damaged"))
        async with desk.delivering():
            await until(lambda: len(receiver.visits) == 2)
        assert {each.state for each in await desk.deliveries(endpoint)} == {DELIVERED}

    told(bench, story)


def test_what_nobody_foresaw_of_a_request_ends_as_an_attempt_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, faults = OutgoingClient.post, [LookupError("a word that nobody knows")] * 3

    async def fail(
        outgoing: OutgoingClient, url: str, headers: Mapping[str, str], body: bytes
    ) -> RequestOutcome:
        if faults:
            raise faults.pop()
        return await post(outgoing, url, headers, body)

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.completed",))
        await desk.tell("a", "completed")
        monkeypatch.setattr(OutgoingClient, "post", fail)
        with capture_logs():
            async with desk.delivering():
                await until(lambda: len(receiver.visits) == 1)
        [delivery] = await desk.deliveries(endpoint)
        assert (delivery.state, delivery.attempts, delivery.reason) == (DELIVERED, 4, None)

    told(bench, story)


def test_after_three_days_it_is_dead_and_the_next_of_its_call_goes(bench: Bench) -> None:
    async def refuse_started(visit: Visit) -> None:
        await visit.say(FAILED if b"voice.call.started" in visit.body else OK)

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url)
        await desk.tell("a", "completed")
        async with desk.delivering(chance=lambda: 1.0):
            await until(lambda: len(receiver.visits) == 1)
            desk.clock.ahead_us += GIVES_UP_AFTER_US
            await until(lambda: len(receiver.visits) == 3)
        assert words(receiver) == [("a", "started"), ("a", "started"), ("a", "completed")]
        states = {each.event: each.state for each in await desk.deliveries(endpoint)}
        assert states == {"voice.call.started": DEAD, "voice.call.completed": DELIVERED}

    told(bench, story, refuse_started)


def test_dead_ones_are_replayed_under_their_ids(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url)
        await desk.tell("a", "ringing", 1)
        async with desk.delivering(chance=lambda: 1.0):
            await until(lambda: len(receiver.visits) == 1)
            desk.clock.ahead_us += GIVES_UP_AFTER_US
            await until(lambda: len(receiver.visits) == 2)
        [dead] = await desk.deliveries(endpoint)
        assert dead.state == DEAD
        again = Again.of_window(0, None, (DEAD,))
        assert await desk.store.write(replay_some(TENANT, endpoint, again, desk.clock())) == (1, None)
        async with desk.delivering():
            await until(lambda: len(receiver.visits) == 3)
        await desk.store.write(replay_one(TENANT, endpoint, dead.event_id, desk.clock()))
        async with desk.delivering():
            await until(lambda: len(receiver.visits) == 4)
        [delivery] = await desk.deliveries(endpoint)
        assert (delivery.state, delivery.attempts) == (DELIVERED, 4)
        assert len({(visit.headers["webhook-id"], visit.body) for visit in receiver.visits}) == 1

    told(bench, story, failing(2))


def test_a_paused_endpoint_waits_and_gets_all_when_it_is_resumed(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.completed",))
        async with desk.delivering():
            await desk.tell("a", "completed")
            await until(lambda: len(receiver.visits) == 1)
            await desk.store.write(pause_endpoint(TENANT, endpoint, "by hand", desk.clock()))
            await desk.tell("b", "completed")
            other = await desk.endpoint(url + "/other", events=("voice.call.completed",))
            await desk.tell("c", "completed")
            await until(lambda: len(receiver.visits) == 2)
            assert len(await desk.deliveries(other)) == 1
            await desk.store.write(resume_endpoint(TENANT, endpoint, desk.clock()))
            await until(lambda: len(receiver.visits) == 4)
        assert words(receiver)[2:] == [("b", "completed"), ("c", "completed")]

    told(bench, story)


def test_410_pauses_and_the_others_are_told(bench: Bench) -> None:
    async def gone_there(visit: Visit) -> None:
        is_gone = visit.head.startswith(b"POST /gone ")
        await visit.say(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n" if is_gone else OK)

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        gone = await desk.endpoint(url.replace("/hook", "/gone"), events=("voice.call.started",))
        await desk.endpoint(url, events=("voice.webhook.delivery_failed",), agent="nobody")
        async with desk.delivering():
            await desk.tell("a", "ringing")
            await until(lambda: len(receiver.visits) == 2)
        told_of = bodies_of(receiver)[1]
        assert told_of["event"] == "voice.webhook.delivery_failed"
        assert told_of["data"]["reason"] == "the endpoint answered 410 Gone"
        assert told_of["data"]["host"] == "127.0.0.1"
        [paused, _] = await desk.store.read(endpoints_of(TENANT))
        assert (paused.endpoint, paused.state, paused.reason) == (gone, "paused", told_of["data"]["reason"])
        [delivery] = await desk.deliveries(gone)
        assert (delivery.state, delivery.reason) == (WAITING, "answered 410")

    told(bench, story, gone_there)


def test_days_of_failure_pause_by_themselves(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.endpoint(url)
        async with desk.delivering(chance=lambda: 1.0):
            await desk.tell("a", "ringing", 1)
            await until(lambda: len(receiver.visits) == 1)
            desk.clock.ahead_us += 2 * GIVES_UP_AFTER_US
            await until(lambda: len(receiver.visits) == 2)
        [endpoint] = await desk.store.read(endpoints_of(TENANT))
        assert (endpoint.state, endpoint.reason) == ("paused", "deliveries failed for five days")

    told(bench, story, answering(FAILED))


def test_retry_after_is_waited_for(bench: Bench) -> None:
    busy = b"HTTP/1.1 429 Busy\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n"

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.started",))
        async with desk.delivering():
            await desk.tell("a", "ringing")
            await until(lambda: len(receiver.visits) == 1)
            await desk.tell("b", "ringing")
            await until(lambda: desk.metrics.text().count(b'outcome="failed"') > 0)
        [tried] = [each for each in await desk.deliveries(endpoint) if each.attempts]
        assert tried.due_us >= tried.updated_us + 3_590 * 1_000_000
        assert len(receiver.visits) == 1

    told(bench, story, answering(busy))


def test_two_secrets_sign_while_one_replaces_the_other(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.started",))
        newer = "whsec_" + "bmV3ZXI="
        sealed = seal_secret(VAULT, TENANT, endpoint, newer)
        await desk.store.write(
            rotate_secret(TENANT, endpoint, Rotation(sealed, desk.clock() + 60_000_000), desk.clock())
        )
        async with desk.delivering():
            await desk.tell("a", "ringing")
            await until(lambda: len(receiver.visits) == 1)
            desk.clock.ahead_us += 61_000_000
            await desk.tell("b", "ringing")
            await until(lambda: len(receiver.visits) == 2)
        both, one = (visit.headers["webhook-signature"].split() for visit in receiver.visits)
        assert (len(both), len(one)) == (2, 1)
        first = receiver.visits[0]
        for secret in (newer, SECRET):
            sent_at = int(first.headers["webhook-timestamp"])
            verify(first.body, first.headers, secrets=secret, now_s=sent_at)

    told(bench, story)


def test_an_erased_call_leaves_nothing_and_nothing_of_it_goes_out(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url)
        await desk.tell("a", "completed")
        async with desk.delivering(chance=lambda: 1.0):
            await until(lambda: len(receiver.visits) == 1)
            await desk.store.write(erase_call(TENANT, "a", desk.clock()))
            await desk.tell("b", "ringing")
            await until(lambda: len(receiver.visits) == 2)
        assert words(receiver) == [("a", "started"), ("b", "started")]
        left = await desk.deliveries(endpoint)
        assert {each.call_id for each in left} == {call_uuid(TENANT, "b")}

    told(bench, story, failing(1))


def test_cloudevents_are_a_form_of_the_same(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.endpoint(url, form="cloudevents", events=("voice.call.completed",))
        async with desk.delivering():
            await desk.tell("a", "busy")
            await until(lambda: len(receiver.visits) == 1)
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
        assert event["dataschema"] == "/schemas/voice.call.completed.json"
        assert event["data"]["status"] == "busy"

    told(bench, story)


@pytest.mark.parametrize("behave", [hang, reset], ids=["hangs", "resets"])
def test_an_endpoint_that_does_not_answer_holds_up_nobody(bench: Bench, behave: Behave) -> None:
    async def session() -> None:
        desk = Desk(bench)
        async with receiving(behave) as bad, receiving(answer_ok) as good:
            for number in range(3):
                await desk.endpoint(f"http://127.0.0.1:{bad.port}/{number}")
            await desk.endpoint(f"http://127.0.0.1:{good.port}/", events=("voice.call.started",))
            async with desk.delivering(timeout_s=1.0, chance=lambda: 1.0):
                for number in range(30):
                    await desk.tell(f"call-{number}", "ringing")
                await until(lambda: len(good.visits) == 30, 5.0)
                assert len(bad.visits) <= 3 * 30

    bench.run(session())


def test_two_workers_send_each_event_once(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.endpoint(url)
        async with desk.delivering(holder="one"), desk.delivering(holder="two"):
            await asyncio.gather(*[desk.tell(f"call-{number}", "completed") for number in range(50)])
            await until(lambda: len(receiver.visits) == 100)
        assert len({visit.headers["webhook-id"] for visit in receiver.visits}) == len(receiver.visits) == 100

    told(bench, story)


def test_a_secret_that_does_not_open_costs_no_event(bench: Bench) -> None:
    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        endpoint = await desk.endpoint(url, events=("voice.call.started",))
        await desk.store.write(rotate_secret(TENANT, endpoint, Rotation(b"\x01\x00bad", 0), desk.clock()))
        async with desk.delivering():
            await desk.tell("a", "ringing")
            await asyncio.sleep(0)
        assert receiver.visits == []
        assert all(each.state == WAITING for each in await desk.deliveries(endpoint))

    told(bench, story)


def test_a_key_file_that_cannot_be_read_for_a_while_holds_up_no_event_for_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_UNSIGNED_FOR_S", 0.01)
    faults = [PermissionError("secret.key")]
    opened = requests.Requests._opened

    def open_later(self: requests.Requests) -> Vault:
        if faults:
            raise faults.pop()
        return opened(self)

    monkeypatch.setattr(requests.Requests, "_opened", open_later)

    async def story(desk: Desk, receiver: Receiver, url: str) -> None:
        await desk.endpoint(url)
        async with desk.delivering():
            await desk.tell("CA1", "completed")
            await until(lambda: receiver.visits)

    with capture_logs() as logs:
        told(bench, story)
    assert faults == []
    assert [line["detail"] for line in logs if line["event"] == "a delivery cannot be signed"] == [
        "secret.key"
    ]
