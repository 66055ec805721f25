"""Notifications: in order, retried after failures, and without muted alerts."""

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
from calltally.alerts.notify.notifier import RETRY_POLICY, Notifier, NotifierDependencies, sink_seal_name
from calltally.alerts.notify.sink_requests import RESEND_US
from calltally.calls.times import SECOND_US
from calltally.net.addresses import parse_networks
from calltally.net.mail import MailServer, send_mail
from calltally.reconcile.provider_reconciliation import ProviderContext, poll_open_calls
from calltally.store.alerts.alerts import AlertEvent, StoredAlertChange, acknowledge, mute
from calltally.store.alerts.detector_state import read_evaluation
from calltally.store.alerts.sinks import StoredAlertSink, add_sink, list_sinks
from calltally.store.db.leases import Lease, claim
from calltally.store.tenants.dead_letters import record_failures
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.worker.alerting import ALERTS_LEASE, AlertWorker
from calltally.worker.dependencies import AlertDependencies, WorkerDependencies
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.alerts.evaluating import (
    FakeHttpClient,
    ThresholdDetectorFactory,
    alerts,
    evaluation_us,
    finding,
    submit_unanswered,
)
from tests.integration.alerts.test_alert_api import apply_findings, open_alerts
from tests.integration.store.probing import direct, found, submit
from tests.sample_facts import START_US, at_us, fact
from tests.twilio_api import ACCOUNT, TOKEN, TwilioApi, resource, served

ROUTE = SeriesKey(Dimension.ROUTE, "support")
VAULT = Vault(bytes(32))


async def no_mail(server: MailServer, mail: EmailMessage) -> str | None:
    return f"no mail to {server.host}: {mail['Subject']}"


class NotifierSetup:
    """A notifier, and the HTTP client that records its requests."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.receiver = FakeHttpClient()
        self.outcomes: list[str] = []
        dependencies = NotifierDependencies(
            self.receiver, no_mail, lambda: VAULT, "https://calls.example.com", self.outcomes.append
        )
        self.notifier = Notifier(bench.store, dependencies, lambda: bench.now_us)

    def add(self, kind: str, **settings: Any) -> bytes:  # noqa: ANN401 (settings of every kind)
        sink = kind.encode().ljust(16, b"-")
        sealed = VAULT.seal(
            TENANT, sink_seal_name(sink), {"settings": msgspec.json.encode(settings).decode()}
        )
        new = StoredAlertSink(sink, kind, kind, b"{}", sealed)
        return self.bench.run(self.bench.store.write(add_sink(TENANT, new, NOW_US))).sink

    def send(self, later_us: int = 0) -> int:
        self.bench.now_us += later_us
        return self.bench.run(self.notifier.send_due(TENANT, "one"))

    def types(self) -> list[object]:
        return [body["event"] for _, _, body in self.receiver.received]

    def sink(self) -> StoredAlertSink:
        return self.bench.run(self.bench.store.read(list_sinks(TENANT)))[0]


@pytest.fixture
def setup(bench: Bench) -> NotifierSetup:
    return NotifierSetup(bench)


def add_webhook(setup: NotifierSetup) -> None:
    setup.add("webhook", url="https://a.example/", secret="whsec_" + "A" * 43 + "=")


def test_changes_of_an_alert_are_sent_once_in_order(setup: NotifierSetup) -> None:
    add_webhook(setup)
    open_alerts(setup.bench, ROUTE)
    (alert,) = alerts(setup.bench)
    by = StoredAlertChange(0, NOW_US + 1, AlertEvent.ACKNOWLEDGED, "key_1", None)
    setup.bench.run(setup.bench.store.write(acknowledge(TENANT, alert.alert, by)))
    apply_findings(setup.bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(1)), at_us=NOW_US + 2)
    assert setup.send(10) == 3
    assert setup.types() == ["voice.alert.opened", "voice.alert.acknowledged", "voice.alert.resolved"]
    states = [body["data"]["state"] for _, _, body in setup.receiver.received]  # type: ignore[index]
    assert states == ["open", "acknowledged", "resolved"]
    assert setup.send(10) == 0
    assert setup.sink().fault is None


def test_binary_response_of_a_sink_is_recorded_as_text(setup: NotifierSetup) -> None:
    add_webhook(setup)
    setup.add("slack", url="https://hooks.slack.example/x")
    open_alerts(setup.bench, ROUTE)
    setup.receiver.status, setup.receiver.response_body = 500, b"no\0t\xff"
    assert setup.send() == 0
    faults = [sink.fault for sink in setup.bench.run(setup.bench.store.read(list_sinks(TENANT)))]
    assert faults == ["the sink answered 500: no\N{REPLACEMENT CHARACTER}t\N{REPLACEMENT CHARACTER}"] * 2
    setup.receiver.status = 200
    assert setup.send(15 * SECOND_US) == 2


def test_invalid_settings_of_a_sink_block_no_other_sink(setup: NotifierSetup) -> None:
    setup.add("webhook", url="https://a.example/", secret="whsec_" + "A" * 33)
    setup.add("slack", url="https://hooks.slack.example/x")
    open_alerts(setup.bench, ROUTE)
    assert setup.send() == 1
    assert faults(setup) == {"webhook": "the stored settings are invalid; save them again", "slack": None}


def faults(setup: NotifierSetup) -> dict[str, str | None]:
    return {sink.kind: sink.fault for sink in setup.bench.run(setup.bench.store.read(list_sinks(TENANT)))}


def test_internal_error_is_recorded_and_blocks_no_other_sink(setup: NotifierSetup) -> None:
    """The settings have an unknown name, as those of another release may have."""
    setup.add("email", server="mail.example.com", to=["ada@example.com"])
    setup.add("slack", url="https://hooks.slack.example/x")
    open_alerts(setup.bench, ROUTE)
    with capture_logs() as logs:
        assert setup.send() == 1
    assert faults(setup) == {"email": "internal error (KeyError); see the service's log", "slack": None}
    assert [log["tenant"] for log in logs if log["log_level"] == "error"] == [TENANT]


def test_damaged_alert_blocks_no_other(setup: NotifierSetup) -> None:
    add_webhook(setup)
    open_alerts(setup.bench, ROUTE)
    with direct(setup.bench.url) as db:
        (content,) = db("SELECT content FROM alerts")[0]
        db("UPDATE alerts SET content = ?", b"junk")
    assert setup.send() == 0
    assert faults(setup) == {"webhook": "an alert's content cannot be read; restore it from a backup"}
    with direct(setup.bench.url) as db:
        db("UPDATE alerts SET content = ?", content)
    assert setup.send(15 * SECOND_US) == 1


def test_unresponsive_sink_is_retried_and_shows_its_error(setup: NotifierSetup) -> None:
    add_webhook(setup)
    open_alerts(setup.bench, ROUTE)
    setup.receiver.status = 0
    assert setup.send() == 0
    assert setup.sink().fault == "no connection"
    setup.receiver.status = 500
    assert setup.send(15 * SECOND_US) == 0
    assert setup.sink().fault == "the sink answered 500: as set"
    apply_findings(
        setup.bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(1)), at_us=setup.bench.now_us
    )
    setup.receiver.status = 200
    setup.send(30 * SECOND_US)
    assert sorted(map(str, setup.types())) == ["voice.alert.opened", "voice.alert.resolved"]
    assert setup.outcomes == ["failed", "failed", "sent", "sent"]
    assert setup.sink().fault is None


def test_retries_of_a_sink_end(setup: NotifierSetup) -> None:
    add_webhook(setup)
    open_alerts(setup.bench, ROUTE)
    setup.receiver.status = 503
    for _ in range(RETRY_POLICY.tries):
        setup.send(3_600 * SECOND_US)
    setup.receiver.status = 200
    assert setup.send(3_600 * SECOND_US) == 0
    assert setup.sink().fault == "the sink answered 503: as set"


def test_muted_alerts_are_not_sent(setup: NotifierSetup) -> None:
    add_webhook(setup)
    open_alerts(setup.bench, ROUTE)
    setup.send()
    (alert,) = alerts(setup.bench)
    muted = StoredAlertChange(0, NOW_US, AlertEvent.MUTED, "key_1", None)
    setup.bench.run(setup.bench.store.write(mute(TENANT, alert.alert, NOW_US * 2, muted)))
    apply_findings(setup.bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(1)), at_us=NOW_US + 1)
    setup.send(10)
    # A sink that knows the open alert must learn of its end.
    assert setup.types() == ["voice.alert.opened", "voice.alert.resolved"]
    open_alerts(setup.bench, ROUTE, at_us=NOW_US + 2)
    apply_findings(setup.bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(1)), at_us=NOW_US + 3)
    assert setup.send(10) == 0
    assert len(setup.types()) == 2


def test_alertmanager_gets_firing_alerts_repeatedly(setup: NotifierSetup) -> None:
    setup.add("alertmanager", url="https://am.example")
    open_alerts(setup.bench, ROUTE)
    assert [setup.send(), setup.send(1), setup.send(RESEND_US)] == [1, 0, 1]
    apply_findings(
        setup.bench, finding(FindingChange.RECOVERED, ROUTE, evaluation_us(1)), at_us=setup.bench.now_us
    )
    setup.send(1)
    setup.send(2 * RESEND_US)
    ends = [body[0]["endsAt"] for _, _, body in setup.receiver.received]  # type: ignore[index]
    assert len(ends) == 3
    assert setup.send(2 * RESEND_US) == 0


def test_unreadable_secret_is_an_error_of_the_sink(setup: NotifierSetup) -> None:
    new = StoredAlertSink(bytes(16), "slack", "x", b"{}", b"\x01\x02nonsense")
    setup.bench.run(setup.bench.store.write(add_sink(TENANT, new, NOW_US)))
    open_alerts(setup.bench, ROUTE)
    assert setup.send() == 0
    assert "encrypted with another key" in str(setup.sink().fault) or "cannot be decrypted" in str(
        setup.sink().fault
    )


def test_worker_evaluates_and_notifies(setup: NotifierSetup) -> None:
    add_webhook(setup)
    bench = setup.bench
    submit_unanswered(bench, 0, 3)
    submit_unanswered(bench, 1, 12)
    bench.now_us = evaluation_us(1)
    dependencies = worker_dependencies(setup)

    async def evaluate_due() -> int:
        assert dependencies.alerts is not None
        return len(await AlertWorker(dependencies, dependencies.alerts, asyncio.Event()).evaluate_due())

    assert bench.run(evaluate_due()) == 1
    assert {body["data"]["message"][:9] for _, _, body in setup.receiver.received} == {"No-answer"}  # type: ignore[index]
    assert bench.run(evaluate_due()) == 0
    bench.now_us = evaluation_us(2)
    other = Lease(TENANT, ALERTS_LEASE, "another")
    until_us = bench.now_us + SECOND_US
    assert bench.run(bench.store.write(claim(other, now_us=bench.now_us, until_us=until_us)))
    assert bench.run(evaluate_due()) == 0
    bench.now_us += SECOND_US
    assert bench.run(evaluate_due()) == 1
    assert len({body["event"] for _, _, body in setup.receiver.received}) == 2


def test_wrong_signatures_are_evaluated_between_steps(setup: NotifierSetup) -> None:
    bench, dependencies = setup.bench, worker_dependencies(setup)
    bench.now_us = evaluation_us(2)
    assert dependencies.alerts is not None
    worker = AlertWorker(dependencies, dependencies.alerts, asyncio.Event())

    def reject_callbacks(provider: str, callbacks: int) -> int:
        """Return the number of evaluations that follow."""
        bench.run(bench.store.write(record_failures((TENANT, provider), callbacks, bench.now_us)))
        return len(bench.run(worker.evaluate_due()))

    assert reject_callbacks("twilio", 4) == 1, "not evaluated yet"
    assert reject_callbacks("twilio", 0) == 0
    assert alerts(bench) == []
    assert reject_callbacks("twilio", 1) == 1
    assert [alert.kind for alert in alerts(bench)] == [AlertKind.SIGNATURE_FAILURES]
    assert reject_callbacks("twilio", 100) == 0, "already reported"
    assert reject_callbacks("telnyx", 5) == 1
    assert len(alerts(bench)) == 2
    # A restarted worker finds the unresolved alert, so the signatures are not new.
    worker = AlertWorker(dependencies, dependencies.alerts, asyncio.Event())
    assert reject_callbacks("twilio", 0) == 0
    bench.now_us = evaluation_us(20)
    assert reject_callbacks("twilio", 0) == 1, "the alert resolves"
    assert reject_callbacks("twilio", 5) == 1, "and fires again"


@pytest.mark.parametrize("detectors", [ThresholdDetectorFactory(), RateDetectorFactory()])
def test_clock_that_is_behind_evaluates_no_step_twice(
    setup: NotifierSetup, detectors: ThresholdDetectorFactory | RateDetectorFactory
) -> None:
    bench = setup.bench
    submit_unanswered(bench, 0, 3)
    dependencies = worker_dependencies(setup)
    dependencies = replace(
        dependencies, alerts=AlertDependencies(AlertEvaluator(bench.store, detectors), setup.notifier)
    )

    def evaluate_due(at_us: int) -> list[int]:
        """Return the number of steps of each evaluation by another worker."""
        bench.now_us = at_us
        assert dependencies.alerts is not None
        worker = AlertWorker(dependencies, dependencies.alerts, asyncio.Event())
        return [run.steps for run in bench.run(worker.evaluate_due())]

    bench.run(bench.store.write(record_failures((TENANT, "twilio"), 50, evaluation_us(2))))
    assert evaluate_due(evaluation_us(2)) == [3]
    judged_us = bench.run(bench.store.read(read_evaluation(TENANT))).judged_us
    bench.run(bench.store.write(record_failures((TENANT, "telnyx"), 50, evaluation_us(2))))
    assert evaluate_due(evaluation_us(2) - 31 * SECOND_US) == [0]
    assert bench.run(bench.store.read(read_evaluation(TENANT))).judged_us == judged_us
    assert evaluate_due(evaluation_us(3)) == [1]


def test_conditions_wait_until_all_steps_are_evaluated(setup: NotifierSetup) -> None:
    bench, dependencies = setup.bench, worker_dependencies(setup)
    submit_unanswered(bench, 0, 1)
    bench.now_us = evaluation_us(600)
    assert dependencies.alerts is not None
    worker = AlertWorker(dependencies, dependencies.alerts, asyncio.Event())
    bench.run(bench.store.write(record_failures((TENANT, "twilio"), 5, bench.now_us)))
    runs = [bench.run(worker.evaluate_due())[0].is_current for _ in range(3)]
    assert runs == [False, False, True]
    assert AlertKind.SIGNATURE_FAILURES in {alert.kind for alert in alerts(bench)}
    assert bench.run(worker.evaluate_due()) == []


def test_present_of_a_tenant_does_not_wait_for_the_history_of_another(setup: NotifierSetup) -> None:
    """One evaluation each per pass: a tenant that is days behind continues in the next one."""
    bench = setup.bench
    submit_unanswered(bench, 0, 1)
    bench.add_tenant("zebra")
    submit(bench, fact(290 * 300, "call-1", route="support", status="no-answer"), tenant="zebra")
    bench.now_us = evaluation_us(290)
    dependencies = worker_dependencies(setup)

    async def evaluate_due() -> list[tuple[int, bool]]:
        assert dependencies.alerts is not None
        worker = AlertWorker(dependencies, dependencies.alerts, asyncio.Event())
        return [(run.steps, run.is_current) for run in await worker.evaluate_due()]

    assert bench.run(evaluate_due()) == [(288, False), (1, True)]
    assert bench.run(evaluate_due()) == [(3, True)]
    assert bench.run(evaluate_due()) == []


def test_worker_pauses_only_after_all_steps_are_evaluated(setup: NotifierSetup) -> None:
    """Three evaluations of a day each; `chance` sets the pause before the first and after the last."""
    submit_unanswered(setup.bench, 0, 1)
    setup.bench.now_us = evaluation_us(700)
    stop, chances = asyncio.Event(), iter((-0.5, 1.0))

    def chance() -> float:
        chosen = next(chances)
        if chosen > 0:
            stop.set()
        return chosen

    async def run() -> None:
        dependencies = replace(worker_dependencies(setup), chance=chance)
        assert dependencies.alerts is not None
        await AlertWorker(dependencies, dependencies.alerts, stop).run()

    setup.bench.run(run())
    assert not setup.bench.run(setup.bench.store.read(is_evaluation_due(TENANT, setup.bench.now_us)))


def worker_dependencies(setup: NotifierSetup) -> WorkerDependencies:
    return WorkerDependencies(
        store=setup.bench.store,
        keep_us=1,
        interval_s=0.0,
        holder="one",
        clock=lambda: setup.bench.now_us,
        steady=lambda: 0,
        chance=lambda: 0.5,
        alerts=AlertDependencies(
            AlertEvaluator(setup.bench.store, ThresholdDetectorFactory()), setup.notifier
        ),
    )


class _Mail(StreamRequestHandler):
    """The part of SMTP (RFC 5321) that a client needs to send a mail."""

    def handle(self) -> None:
        taken: list[str] = self.server.taken  # type: ignore[attr-defined]
        self._post("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(":")[0].upper()
            if word == "DATA":
                self._post("354 go on")
                taken.append(self._mail())
            elif word == "QUIT":
                self._post("221 bye")
                return
            elif word == "RCPT TO" and "nobody" in line:
                self._post("550 no such user")
                continue
            self._post("250 ok")

    def _mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _post(self, text: str) -> None:
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


def test_mail_is_sent_to_permitted_addresses_only(bench: Bench, mail_server: ThreadingTCPServer) -> None:
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
    """Greets endlessly, a line at a time: each line is in time, and none is the last."""

    def handle(self) -> None:
        self.connection.settimeout(0.01)
        with suppress(OSError):
            while not self._is_closed():
                self.wfile.write(b"220-still here\r\n")
        self.server.was_left.set()  # type: ignore[attr-defined]

    def _is_closed(self) -> bool:
        try:
            return not self.connection.recv(1)
        except TimeoutError:
            return False


def test_mail_server_with_an_endless_response_times_out(bench: Bench) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "a@acme.example", "b@acme.example"
    with ThreadingTCPServer(("127.0.0.1", 0), _Tarpit) as tarpit:
        tarpit.was_left = Event()  # type: ignore[attr-defined]
        tarpit.daemon_threads = True
        thread = Thread(target=tarpit.serve_forever, args=(0.02,))
        thread.start()
        server = MailServer("127.0.0.1", tarpit.server_address[1], "none")
        fault = bench.run(send_mail(server, mail, parse_networks("127.0.0.0/8"), timeout_s=0.1))
        assert fault == "127.0.0.1 did not answer in time"
        assert tarpit.was_left.wait(5)  # type: ignore[attr-defined]
        tarpit.shutdown()
        thread.join()


def test_provider_is_polled_before_a_stuck_call_alert(bench: Bench) -> None:
    sid = "CA" + "7" * 32
    lost = "CA" + "8" * 32
    for each in (fact(0, sid, status="ringing"), fact(0, lost, status="ringing")):
        submit(bench, msgspec.structs.replace(each, stated={**each.stated, "provider": "twilio"}))
    listed = resource(sid, START_US, status="no-answer", duration_s=0)
    with served(TwilioApi([listed])) as api:
        secrets = {"account_sid": ACCOUNT, "auth_token": TOKEN}
        sealed = VAULT.seal(TENANT, "twilio", secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, "twilio", sealed, NOW_US)))
        reconciler = ProviderContext(bench.store, lambda: VAULT, {"twilio": api.url})
        setup = NotifierSetup(bench)
        bench.now_us = at_us(3_600)
        dependencies = worker_dependencies(setup)
        assert dependencies.alerts is not None
        with_poll = dependencies.alerts._replace(poll_provider=partial(poll_open_calls, reconciler))

        async def evaluate_due() -> int:
            return len(await AlertWorker(dependencies, with_poll, asyncio.Event()).evaluate_due())

        bench.run(evaluate_due())
    assert found(bench, sid)["status"] == "no-answer"  # type: ignore[index]
    (alert,) = alerts(bench)
    assert alert.kind == "missing-final-state"
    assert lost in alert.content.decode()
    assert sid not in alert.content.decode()
