"""Dead letters that this version can or cannot parse, on both databases."""

from collections.abc import Sequence

import msgspec
import pytest

from calltally.calls.errors import NotFound
from calltally.calls.events import Fact
from calltally.ingest.callbacks import write_letter
from calltally.ingest.replay import CHUNK, DeadLetterReplay, ReplayReport, StillDead
from calltally.providers.callback import Callback
from calltally.providers.registry import PROVIDERS, TWILIO, WEBHOOKS
from calltally.store.db.interface import Submission, SubmissionResult
from calltally.store.db.operation import StoreOperation
from calltally.store.tenants.dead_letters import DeadLetter, list_dead_letters, put_dead_letter
from tests.conftest import NOW_US, TENANT, Bench
from tests.unit.providers.twilio.signing import FORM

REASON = "CallStatus 'parked': not one of those"


def understand_parked(callback: Callback) -> list[Fact]:
    return WEBHOOKS["twilio"].facts_of(
        msgspec.structs.replace(callback, body=callback.body.replace(b"parked", b"ringing"))
    )


LEARNT = {"twilio": TWILIO._replace(webhook=WEBHOOKS["twilio"]._replace(facts_of=understand_parked))}


def parked(number: int) -> Callback:
    body = b"CallSid=CA%032x&CallStatus=parked&To=%%2B14155550100" % number
    return Callback("POST", f"https://calls.example.com/{number}", {"content-type": FORM}, body, NOW_US)


def put_parked(numbers: Sequence[int]) -> StoreOperation[None]:
    for number in numbers:
        yield from put_dead_letter(TENANT, write_letter("twilio", parked(number), REASON))


@pytest.fixture
def letters(bench: Bench) -> list[DeadLetter]:
    bench.run(bench.store.write(put_parked(range(CHUNK + 1))))
    return waiting(bench)


def waiting(bench: Bench) -> list[DeadLetter]:
    return bench.run(bench.store.read(list_dead_letters(TENANT, limit=1_000)))


def replay(bench: Bench, *, learnt: bool) -> ReplayReport:
    providers = LEARNT if learnt else PROVIDERS
    return bench.run(DeadLetterReplay(bench.store, providers, clock=lambda: bench.now_us).run(TENANT))


def test_unparsed_letter_gets_the_current_reason(bench: Bench, letters: list[DeadLetter]) -> None:
    report = replay(bench, learnt=False)
    assert (report.understood, report.still_dead, report.facts) == (0, CHUNK + 1, {})
    after = waiting(bench)
    assert [letter.letter_id for letter in after] == [letter.letter_id for letter in letters]
    assert after[0].reason.startswith("CallStatus 'parked': not one of queued")
    first = after[0]
    assert report.listed[0] == StillDead(first.letter_id.hex(), "twilio", first.reason)


@pytest.mark.usefixtures("letters")
def test_parsed_letter_is_recorded_once(bench: Bench) -> None:
    report = replay(bench, learnt=True)
    assert (report.understood, report.still_dead) == (CHUNK + 1, 0)
    assert report.facts == {"applied": CHUNK + 1}
    assert waiting(bench) == []
    assert replay(bench, learnt=True) == ReplayReport()


@pytest.mark.usefixtures("letters")
def test_repeated_letter_is_stored_again_and_adds_no_fact(bench: Bench) -> None:
    replay(bench, learnt=True)
    bench.run(bench.store.write(put_parked([7])))
    (letter,) = waiting(bench)
    assert letter.repeats == 1
    assert replay(bench, learnt=True).facts == {"duplicate": 1}


def test_letter_of_a_kind_without_status_is_settled(bench: Bench) -> None:
    """Earlier releases stored each of them as a dead letter, with an alert."""
    body = b'{"event": "agent_job_started", "id": "EV_1", "room": {"sid": "RM_1"}, "job": {"id": "AJ_1"}}'
    job = Callback("POST", "https://calls.example.com/", {}, body, NOW_US)
    letter = write_letter("livekit", job, "event 'agent_job_started' is in no table")
    bench.run(bench.store.write(put_dead_letter(TENANT, letter)))
    report = bench.run(DeadLetterReplay(bench.store, PROVIDERS, clock=lambda: bench.now_us).run(TENANT))
    assert (report.kept, report.understood, report.still_dead) == (1, 0, 0)
    assert waiting(bench) == []


def test_stored_message_is_parsed_once_its_kind_is_known(bench: Bench) -> None:
    letter = write_letter("twilio", parked(1), "a kind in no table")
    bench.run(bench.store.write(put_dead_letter(TENANT, letter, waits=False)))

    def replay_kept(*, kept: bool) -> ReplayReport:
        return bench.run(
            DeadLetterReplay(bench.store, LEARNT, clock=lambda: bench.now_us).run(TENANT, kept=kept)
        )

    bench.now_us += 1
    assert replay_kept(kept=False) == ReplayReport()
    assert replay_kept(kept=True).facts == {"applied": 1}
    assert replay_kept(kept=True) == ReplayReport()


def test_letter_of_a_removed_provider(bench: Bench) -> None:
    letter = write_letter("gone", parked(1), "why")
    bench.run(bench.store.write(put_dead_letter(TENANT, letter)))
    report = replay(bench, learnt=True)
    assert report.listed[0].reason == "this version has no provider 'gone'"


def test_unknown_tenant(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.run(DeadLetterReplay(bench.store, PROVIDERS, clock=lambda: NOW_US).run("nobody"))


@pytest.mark.parametrize("deliver", [False, True])
@pytest.mark.usefixtures("letters")
def test_nothing_is_delivered_by_default(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, deliver: bool
) -> None:
    observed: list[Submission] = []
    submit = bench.store.submit

    async def watch(submissions: Sequence[Submission]) -> list[SubmissionResult]:
        observed.extend(submissions)
        return await submit(submissions)

    monkeypatch.setattr(bench.store, "submit", watch)
    bench.run(DeadLetterReplay(bench.store, LEARNT, clock=lambda: NOW_US, deliver=deliver).run(TENANT))
    assert {submission.announce for submission in observed} == {deliver}
