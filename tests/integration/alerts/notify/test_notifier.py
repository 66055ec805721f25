"""Sinks are told in order, again where it failed, and not of what is muted."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from functools import partial
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import AlertEvaluator, is_evaluation_due
from calltally.alerts.model.finding import AlertKind, FindingChange
from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.alerts.notify.alertmanager import RESEND_US
from calltally.alerts.notify.notifier import MAX_TRIES, Notifier, NotifierDependencies, sink_seal_name
from calltally.calls.times import SECOND_US
from calltally.net.addresses import parse_networks
from calltally.net.mail import MailServer, send_mail
from calltally.reconcile.open_call_poll import ask_about
from calltally.reconcile.provider_reconciliation import Place
from calltally.store.alerts.alerts import Change as AlertChange
from calltally.store.alerts.alerts import What, acknowledge, mute
from calltally.store.alerts.detector_state import judging_of
from calltally.store.alerts.sinks import Sink, add_sink, list_sinks
from calltally.store.db.leases import Lease, claim
from calltally.store.tenants.signature_failures import count_failures
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.worker.alerting import ALERTS_LEASE, AlertWorker
from calltally.worker.dependencies import AlertDependencies, WorkerDependencies
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import Receiver, Thresholds, after, alerts, finding, unanswered
from tests.integration.alerts.test_alert_api import began, keep
from tests.integration.store.probing import direct, found, submit
from tests.telling import START_US, at_us, fact
from tests.twilio_api import ACCOUNT, TOKEN, TwilioApi, resource, served

ROUTE = SeriesKey(Dimension.ROUTE, "support")
VAULT = Vault(bytes(32))


async def no_mail(server: MailServer, mail: EmailMessage) -> str | None:
    return f"no mail to {server.host}: {mail['Subject']}"


class Desk:
    """Somebody who tells, and the place where it arrives."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.receiver = Receiver()
        ways = NotifierDependencies(self.receiver, no_mail, lambda: VAULT, "https://calls.example.com")
        self.teller = Notifier(bench.store, ways, lambda: bench.now_us)

    def add(self, kind: str, **settings: Any) -> bytes:  # noqa: ANN401 (settings of every kind)
        sink = kind.encode().ljust(16, b"-")
        sealed = VAULT.seal(
            TENANT, sink_seal_name(sink), {"settings": msgspec.json.encode(settings).decode()}
        )
        new = Sink(sink, kind, kind, b"{}", sealed)
        return self.bench.run(self.bench.store.write(add_sink(TENANT, new, NOW_US))).sink

    def tell(self, later_us: int = 0) -> int:
        self.bench.now_us += later_us
        return self.bench.run(self.teller.send_due(TENANT, "one"))

    def types(self) -> list[object]:
        return [body["type"] for _, _, body in self.receiver.took]

    def sink(self) -> Sink:
        return self.bench.run(self.bench.store.read(list_sinks(TENANT)))[0]


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench)


def hook(desk: Desk) -> None:
    desk.add("webhook", url="https://a.example/", secret="whsec_" + "A" * 43 + "=")


def test_what_becomes_of_an_alert_is_told_once_and_in_order(desk: Desk) -> None:
    hook(desk)
    began(desk.bench, ROUTE)
    (alert,) = alerts(desk.bench)
    by = AlertChange(0, NOW_US + 1, What.ACKNOWLEDGED, "key_1", None)
    desk.bench.run(desk.bench.store.write(acknowledge(TENANT, alert.alert, by)))
    keep(desk.bench, finding(FindingChange.RECOVERED, ROUTE, after(1)), at_us=NOW_US + 2)
    assert desk.tell(10) == 3
    assert desk.types() == ["alert.opened", "alert.acknowledged", "alert.resolved"]
    states = [body["data"]["state"] for _, _, body in desk.receiver.took]  # type: ignore[index]
    assert states == ["open", "acknowledged", "resolved"]
    assert desk.tell(10) == 0
    assert desk.sink().fault is None


def test_what_a_sink_answers_may_be_no_text_and_holds_up_nobody(desk: Desk) -> None:
    hook(desk)
    desk.add("slack", url="https://hooks.slack.example/x")
    began(desk.bench, ROUTE)
    desk.receiver.status, desk.receiver.says = 500, b"no\0t\xff"
    assert desk.tell() == 0
    faults = [sink.fault for sink in desk.bench.run(desk.bench.store.read(list_sinks(TENANT)))]
    assert faults == ["the sink answered 500: no\N{REPLACEMENT CHARACTER}t\N{REPLACEMENT CHARACTER}"] * 2
    desk.receiver.status = 200
    assert desk.tell(15 * SECOND_US) == 2


def test_a_sink_whose_settings_are_none_holds_up_nobody(desk: Desk) -> None:
    desk.add("webhook", url="https://a.example/", secret="whsec_" + "A" * 33)
    desk.add("slack", url="https://hooks.slack.example/x")
    began(desk.bench, ROUTE)
    assert desk.tell() == 1
    assert faults(desk) == {"webhook": "the stored settings are invalid; save them again", "slack": None}


def faults(desk: Desk) -> dict[str, str | None]:
    return {sink.kind: sink.fault for sink in desk.bench.run(desk.bench.store.read(list_sinks(TENANT)))}


def test_a_fault_of_ours_is_told_of_its_sink_and_holds_up_nobody(desk: Desk) -> None:
    """A server that is asked for by a name that is not there, as settings of another release may have it."""
    desk.add("email", server="mail.example.com", to=["ada@example.com"])
    desk.add("slack", url="https://hooks.slack.example/x")
    began(desk.bench, ROUTE)
    with capture_logs() as logs:
        assert desk.tell() == 1
    assert faults(desk) == {"email": "internal error (KeyError); see the service's log", "slack": None}
    assert [log["tenant"] for log in logs if log["log_level"] == "error"] == [TENANT]


def test_an_alert_that_is_damaged_holds_up_no_other(desk: Desk) -> None:
    hook(desk)
    began(desk.bench, ROUTE)
    with direct(desk.bench.url) as db:
        (content,) = db("SELECT content FROM alerts")[0]
        db("UPDATE alerts SET content = ?", b"junk")
    assert desk.tell() == 0
    assert faults(desk) == {"webhook": "an alert's content is unreadable; restore it from a backup"}
    with direct(desk.bench.url) as db:
        db("UPDATE alerts SET content = ?", content)
    assert desk.tell(15 * SECOND_US) == 1


def test_a_sink_that_does_not_answer_is_told_later_and_says_why_meanwhile(desk: Desk) -> None:
    hook(desk)
    began(desk.bench, ROUTE)
    desk.receiver.status = 0
    assert desk.tell() == 0
    assert desk.sink().fault == "no connection"
    desk.receiver.status = 500
    assert desk.tell(15 * SECOND_US) == 0
    assert desk.sink().fault == "the sink answered 500: as told"
    keep(desk.bench, finding(FindingChange.RECOVERED, ROUTE, after(1)), at_us=desk.bench.now_us)
    desk.receiver.status = 200
    desk.tell(30 * SECOND_US)
    assert sorted(map(str, desk.types())) == ["alert.opened", "alert.resolved"]
    assert desk.sink().fault is None


def test_nobody_is_tried_for_ever(desk: Desk) -> None:
    hook(desk)
    began(desk.bench, ROUTE)
    desk.receiver.status = 503
    for _ in range(MAX_TRIES):
        desk.tell(3_600 * SECOND_US)
    desk.receiver.status = 200
    assert desk.tell(3_600 * SECOND_US) == 0
    assert desk.sink().fault == "the sink answered 503: as told"


def test_what_is_muted_is_not_told_and_neither_is_its_end(desk: Desk) -> None:
    hook(desk)
    began(desk.bench, ROUTE)
    desk.tell()
    (alert,) = alerts(desk.bench)
    muted = AlertChange(0, NOW_US, What.MUTED, "key_1", None)
    desk.bench.run(desk.bench.store.write(mute(TENANT, alert.alert, NOW_US * 2, muted)))
    keep(desk.bench, finding(FindingChange.RECOVERED, ROUTE, after(1)), at_us=NOW_US + 1)
    desk.tell(10)
    # Who knows that it is open has to hear that it ended.
    assert desk.types() == ["alert.opened", "alert.resolved"]
    began(desk.bench, ROUTE, at_us=NOW_US + 2)
    keep(desk.bench, finding(FindingChange.RECOVERED, ROUTE, after(1)), at_us=NOW_US + 3)
    assert desk.tell(10) == 0
    assert len(desk.types()) == 2


def test_alertmanager_is_told_again_for_as_long_as_it_lasts(desk: Desk) -> None:
    desk.add("alertmanager", url="https://am.example")
    began(desk.bench, ROUTE)
    assert [desk.tell(), desk.tell(1), desk.tell(RESEND_US)] == [1, 0, 1]
    keep(desk.bench, finding(FindingChange.RECOVERED, ROUTE, after(1)), at_us=desk.bench.now_us)
    desk.tell(1)
    desk.tell(2 * RESEND_US)
    ends = [body[0]["endsAt"] for _, _, body in desk.receiver.took]  # type: ignore[index]
    assert len(ends) == 3
    assert desk.tell(2 * RESEND_US) == 0


def test_a_secret_that_does_not_open_is_a_fault_of_the_sink(desk: Desk) -> None:
    new = Sink(bytes(16), "slack", "x", b"{}", b"\x01\x02nonsense")
    desk.bench.run(desk.bench.store.write(add_sink(TENANT, new, NOW_US)))
    began(desk.bench, ROUTE)
    assert desk.tell() == 0
    assert "sealed" in str(desk.sink().fault) or "do not open" in str(desk.sink().fault)


def test_a_worker_judges_and_tells(desk: Desk) -> None:
    hook(desk)
    bench = desk.bench
    unanswered(bench, 0, 3)
    unanswered(bench, 1, 12)
    bench.now_us = after(1)
    means = worker_means(desk)

    async def look() -> int:
        assert means.alerts is not None
        return len(await AlertWorker(means, means.alerts, asyncio.Event()).evaluate_due())

    assert bench.run(look()) == 1
    assert {body["data"]["message"][:9] for _, _, body in desk.receiver.took} == {"No-answer"}  # type: ignore[index]
    assert bench.run(look()) == 0
    bench.now_us = after(2)
    other = Lease(TENANT, ALERTS_LEASE, "another")
    until_us = bench.now_us + SECOND_US
    assert bench.run(bench.store.write(claim(other, now_us=bench.now_us, until_us=until_us)))
    assert bench.run(look()) == 0
    bench.now_us += SECOND_US
    assert bench.run(look()) == 1
    assert len({body["type"] for _, _, body in desk.receiver.took}) == 2


def test_wrong_signatures_are_news_within_the_five_minutes_that_are_judged_already(desk: Desk) -> None:
    bench, means = desk.bench, worker_means(desk)
    bench.now_us = after(2)
    assert means.alerts is not None
    worker = AlertWorker(means, means.alerts, asyncio.Event())

    def turn_away(provider: str, callbacks: int) -> int:
        """How many turns the next look takes."""
        bench.run(bench.store.write(count_failures(TENANT, provider, callbacks, bench.now_us)))
        return len(bench.run(worker.evaluate_due()))

    assert turn_away("twilio", 4) == 1, "it was never judged"
    assert turn_away("twilio", 0) == 0
    assert alerts(bench) == []
    assert turn_away("twilio", 1) == 1
    assert [alert.kind for alert in alerts(bench)] == [AlertKind.SIGNATURE_FAILURES]
    assert turn_away("twilio", 100) == 0, "more of the same is no news"
    assert turn_away("telnyx", 5) == 1
    assert len(alerts(bench)) == 2
    # Nor is it news for a process that was begun a moment ago.
    worker = AlertWorker(means, means.alerts, asyncio.Event())
    assert turn_away("twilio", 0) == 0
    bench.now_us = after(20)
    assert turn_away("twilio", 0) == 1, "it is over"
    assert turn_away("twilio", 5) == 1, "and begins again"


@pytest.mark.parametrize("detectors", [Thresholds(), RateDetectorFactory()])
def test_news_by_a_clock_that_is_behind_has_no_step_judged_twice(
    desk: Desk, detectors: Thresholds | RateDetectorFactory
) -> None:
    bench = desk.bench
    unanswered(bench, 0, 3)
    means = worker_means(desk)
    means = replace(means, alerts=AlertDependencies(AlertEvaluator(bench.store, detectors), desk.teller))

    def look(at_us: int) -> list[int]:
        """Of each turn that another worker takes, how many steps it judges."""
        bench.now_us = at_us
        assert means.alerts is not None
        worker = AlertWorker(means, means.alerts, asyncio.Event())
        return [turn.steps for turn in bench.run(worker.evaluate_due())]

    bench.run(bench.store.write(count_failures(TENANT, "twilio", 50, after(2))))
    assert look(after(2)) == [3]
    judged_us = bench.run(bench.store.read(judging_of(TENANT))).judged_us
    bench.run(bench.store.write(count_failures(TENANT, "telnyx", 50, after(2))))
    assert look(after(2) - 31 * SECOND_US) == [0]
    assert bench.run(bench.store.read(judging_of(TENANT))).judged_us == judged_us
    assert look(after(3)) == [1]


def test_news_of_who_is_behind_waits_until_all_is_judged(desk: Desk) -> None:
    bench, means = desk.bench, worker_means(desk)
    unanswered(bench, 0, 1)
    bench.now_us = after(600)
    assert means.alerts is not None
    worker = AlertWorker(means, means.alerts, asyncio.Event())
    bench.run(bench.store.write(count_failures(TENANT, "twilio", 5, bench.now_us)))
    turns = [bench.run(worker.evaluate_due())[0].is_current for _ in range(3)]
    assert turns == [False, False, True]
    assert AlertKind.SIGNATURE_FAILURES in {alert.kind for alert in alerts(bench)}
    assert bench.run(worker.evaluate_due()) == []


def test_nobodys_present_waits_for_anothers_past(desk: Desk) -> None:
    """A turn each in a look: who is behind by days goes on with the next one, while others are judged."""
    bench = desk.bench
    unanswered(bench, 0, 1)
    bench.add_tenant("zebra")
    submit(bench, fact(290 * 300, "call-1", route="support", status="no-answer"), tenant="zebra")
    bench.now_us = after(290)
    means = worker_means(desk)

    async def look() -> list[tuple[int, bool]]:
        assert means.alerts is not None
        worker = AlertWorker(means, means.alerts, asyncio.Event())
        return [(turn.steps, turn.is_current) for turn in await worker.evaluate_due()]

    assert bench.run(look()) == [(288, False), (1, True)]
    assert bench.run(look()) == [(3, True)]
    assert bench.run(look()) == []


def test_a_worker_rests_only_once_all_is_judged(desk: Desk) -> None:
    """Three turns of a day each; it chooses how long to rest before the first and behind the last."""
    unanswered(desk.bench, 0, 1)
    desk.bench.now_us = after(700)
    stop, chances = asyncio.Event(), iter((-0.5, 1.0))

    def chance() -> float:
        chosen = next(chances)
        if chosen > 0:
            stop.set()
        return chosen

    async def run() -> None:
        means = replace(worker_means(desk), chance=chance)
        assert means.alerts is not None
        await AlertWorker(means, means.alerts, stop).run()

    desk.bench.run(run())
    assert not desk.bench.run(desk.bench.store.read(is_evaluation_due(TENANT, desk.bench.now_us)))


def worker_means(desk: Desk) -> WorkerDependencies:
    return WorkerDependencies(
        store=desk.bench.store,
        keep_us=1,
        interval_s=0.0,
        holder="one",
        clock=lambda: desk.bench.now_us,
        steady=lambda: 0,
        chance=lambda: 0.5,
        alerts=AlertDependencies(AlertEvaluator(desk.bench.store, Thresholds()), desk.teller),
    )


class _Mail(StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs to hand a mail over."""

    def handle(self) -> None:
        taken: list[str] = self.server.taken  # type: ignore[attr-defined]
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].upper()
            if word == "DATA":
                self._say("354 go on")
                taken.append(self._mail())
            elif word == "QUIT":
                self._say("221 bye")
                return
            elif word == "RCPT TO" and "nobody" in line:
                self._say("550 no such user")
                continue
            self._say("250 ok")

    def _mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, text: str) -> None:
        with suppress(OSError):
            self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server() -> Iterator[ThreadingTCPServer]:
    with ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        server.taken = []  # type: ignore[attr-defined]
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_mail_is_handed_over_where_that_is_allowed(bench: Bench, mail_server: ThreadingTCPServer) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@acme.example", "b@acme.example", "41 ± 4 %"
    mail.set_content("The calls")
    server = MailServer("127.0.0.1", mail_server.server_address[1], "none")
    allowed = parse_networks("127.0.0.0/8")
    assert bench.run(send_mail(server, mail, allowed)) is None
    (taken,) = mail_server.taken  # type: ignore[attr-defined]
    assert message_from_string(taken, policy=default)["Subject"] == "41 ± 4 %"
    refused = bench.run(send_mail(server, mail, ()))
    assert refused == "nothing may be sent to 127.0.0.1: 127.0.0.1 is loopback"
    mail.replace_header("To", "nobody@acme.example")
    assert "no such user" in str(bench.run(send_mail(server, mail, allowed)))
    assert (
        "starttls" in str(bench.run(send_mail(server._replace(security="starttls"), mail, allowed))).lower()
    )
    assert str(bench.run(send_mail(server._replace(port=1), mail, allowed))).startswith("no mail server at")


class _Tarpit(StreamRequestHandler):
    """Greets without end, a line at a time: each answer comes in time, and none of them is the last."""

    def handle(self) -> None:
        self.connection.settimeout(0.01)
        with suppress(OSError):
            while not self._is_closed():
                self.wfile.write(b"220-still here\r\n")
        self.server.let_go.set()  # type: ignore[attr-defined]

    def _is_closed(self) -> bool:
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False


def test_a_mail_server_that_never_ends_its_answer_is_left(bench: Bench) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "a@acme.example", "b@acme.example"
    with ThreadingTCPServer(("127.0.0.1", 0), _Tarpit) as tarpit:
        tarpit.let_go = Event()  # type: ignore[attr-defined]
        tarpit.daemon_threads = True
        thread = Thread(target=tarpit.serve_forever, args=(0.02,))
        thread.start()
        server = MailServer("127.0.0.1", tarpit.server_address[1], "none")
        said = bench.run(send_mail(server, mail, parse_networks("127.0.0.0/8"), timeout_s=0.1))
        assert said == "127.0.0.1 did not answer in time"
        assert tarpit.let_go.wait(5)  # type: ignore[attr-defined]
        tarpit.shutdown()
        thread.join()


def test_a_provider_is_asked_before_a_call_is_called_stuck(bench: Bench) -> None:
    sid = "CA" + "7" * 32
    lost = "CA" + "8" * 32
    for each in (fact(0, sid, status="ringing"), fact(0, lost, status="ringing")):
        submit(bench, msgspec.structs.replace(each, said={**each.said, "provider": "twilio"}))
    listed = resource(sid, START_US, status="no-answer", duration_s=0)
    with served(TwilioApi([listed])) as api:
        secrets = {"account_sid": ACCOUNT, "auth_token": TOKEN}
        sealed = VAULT.seal(TENANT, "twilio", secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, "twilio", sealed, NOW_US)))
        place = Place(bench.store, lambda: VAULT, {"twilio": api.url})
        desk = Desk(bench)
        bench.now_us = at_us(3_600)
        means = worker_means(desk)
        assert means.alerts is not None
        asking = means.alerts._replace(poll_provider=partial(ask_about, place))

        async def look() -> int:
            return len(await AlertWorker(means, asking, asyncio.Event()).evaluate_due())

        bench.run(look())
    assert found(bench, sid)["status"] == "no-answer"  # type: ignore[index]
    (alert,) = alerts(bench)
    assert alert.kind == "missing-final-state"
    assert lost in alert.content.decode()
    assert sid not in alert.content.decode()
