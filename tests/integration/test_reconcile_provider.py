"""Our calls against the provider's list: each planted fault named and none invented, healed, clean again."""

import asyncio
import base64
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput, Misconfigured, NotFound
from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.identity import Node
from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.windows import FIRST_US, LAST_US, Window
from calltally.cli.reconcile.provider_command import Question, compare
from calltally.reconcile import recheck
from calltally.reconcile.findings import Finding, Kind
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings import Settings
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import facts_of_call, find_call
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct
from tests.provider_month import END_US, MONTH_US, NOW_US, Month, month
from tests.telling import fact
from tests.twilio_api import ACCOUNT, TOKEN, Resource, TwilioApi, resource, served

# A million, by the command and from a list in another process: python -m bench --size 1m --only heal.
CALLS = int(os.environ.get("MONTH_CALLS", "700"))
DAY = MONTH_US + 10 * DAY_US
SID = "CA" + "1" * 32


class Desk:
    """A tenant with Twilio's secrets, a ledger and a stand-in for Twilio."""

    def __init__(self, bench: Bench, api: TwilioApi) -> None:
        self.bench = bench
        self.api = api
        given: dict[str, Any] = {
            "database_url": bench.url,
            "secret_key": base64.b64encode(bytes(32)).decode(),
            "twilio_api_url": api.url,
        }
        self.settings = Settings(**given)

    def sign_in(self, **changes: str) -> None:
        secrets = {"auth_token": TOKEN, "account_sid": ACCOUNT, **changes}
        sealed = open_vault(self.settings).seal(TENANT, "twilio", secrets)
        self.bench.run(self.bench.store.write(put_provider_secrets(TENANT, "twilio", sealed, NOW_US)))

    def tell(self, facts: list[Fact]) -> None:
        async def submit() -> None:
            for at in range(0, len(facts), 2_000):
                await self.bench.store.submit([Submission(TENANT, fact) for fact in facts[at : at + 2_000]])

        self.bench.run(submit())

    def compare(self, **changes: Any) -> ProviderReport:  # noqa: ANN401 (fields of a question)
        question = Question(TENANT, "twilio", Window(MONTH_US, END_US))
        asked = msgspec.structs.replace(question, **changes)
        return self.bench.run(compare(self.bench.store, self.settings, asked, NOW_US))

    def call(self, call_sid: str = SID) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)


@pytest.fixture
def desk(bench: Bench) -> Iterator[Desk]:
    with served(TwilioApi()) as api:
        made = Desk(bench, api)
        made.sign_in()
        yield made


def named(report: ProviderReport) -> dict[str | None, Kind]:
    return {finding.call_sid: finding.kind for finding in report.report.findings}


def test_a_month_is_named_healed_and_clean(desk: Desk) -> None:
    made = month(CALLS)
    desk.tell(made.facts)
    desk.api.calls = {call["sid"]: call for call in made.listed}
    desk.api.busy_every = 3
    found = desk.compare()
    assert named(found) == made.labels
    assert found.report.counts == Counter(made.labels.values())
    assert found.report.looked_at["listed"] == CALLS
    assert found.healed is None

    healing = desk.compare(heal=True)
    assert named(healing) == made.labels
    assert healing.healed is not None
    # What an answer proves is not taken back; the provider's word of it is kept all the same.
    assert healing.healed.recorded == len(made.labels)
    assert (healing.healed.known, healing.healed.refused, healing.healed.left) == (0, 0, 0)

    again = desk.compare(heal=True)
    assert again.report.is_clean
    assert again.healed is not None
    assert again.healed.recorded == 0
    assert again.report.looked_at["disputed"] == _disputed(made) > 0


def _disputed(made: Month) -> int:
    """Calls of which we heard an answer, and the provider says that there was none."""
    answered = {fact.call_sid for fact in made.facts if fact.said.get("status") == "in-progress"}
    return sum(
        made.labels.get(call["sid"]) == Kind.CONTRADICTION
        and call["sid"] in answered
        and call["duration"] == "0"
        for call in made.listed
    )


# ---------------------------------------------------------------------------------------------- single calls


@pytest.fixture
def small(new_sqlite_bench: Bench) -> Iterator[Desk]:
    """The same on one database: what is asked of it is what the month asks of both."""
    with served(TwilioApi()) as api:
        made = Desk(new_sqlite_bench, api)
        made.sign_in()
        yield made


@pytest.fixture
def new_sqlite_bench(sqlite_template: Path, tmp_path: Path) -> Iterator[Bench]:
    shutil.copy(sqlite_template, tmp_path / "calltally.db")
    with asyncio.Runner() as runner:
        bench = Bench(f"sqlite:///{tmp_path / 'calltally.db'}", runner)
        yield bench
        bench.close()


def told(at_us: int, call_sid: str = SID, **said: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    made = fact(0, call_sid, provider_account=ACCOUNT, **said)
    whole = cast("Said", {**made.said, "provider": "twilio"})
    digest = content_digest([call_sid, at_us, whole])
    return msgspec.structs.replace(made, occurred_us=at_us, digest=digest, said=whole)


def only(report: ProviderReport) -> Finding:
    (finding,) = report.report.findings
    return finding


def test_a_call_that_is_in_no_list_is_asked_for_by_itself(small: Desk) -> None:
    small.tell([told(DAY, status="completed", talk_seconds=60, ended_us=DAY + 60 * SECOND_US)])
    found = only(small.compare(heal=True))
    assert (found.kind, found.call_sid) == (Kind.UNLISTED_CALL, SID)
    assert found.detail.endswith("; twilio was asked and does not know it")
    # It was put off for days: its start is far from its creation, and by itself it is found.
    small.api.single[SID] = resource(SID, DAY - 3 * DAY_US)
    assert small.compare().report.is_clean


def test_what_is_merely_old_is_asked_for_and_never_closed_by_itself(small: Desk) -> None:
    small.tell([told(DAY, status="ringing")])
    still = resource(SID, DAY, "in-progress", None)
    small.api.calls[SID] = still
    healing = small.compare(heal=True)
    assert only(healing).kind == Kind.OPEN_TOO_LONG
    assert only(healing).detail == "open for 528 h on both sides; twilio was asked and still has it open"
    assert healing.healed is not None
    assert (healing.healed.recorded, healing.healed.left) == (0, 1)
    assert small.call()["status"] == "ringing"
    # The list is old; asked for by itself it is over.
    small.api.single[SID] = resource(SID, DAY, "no-answer", 0)
    assert only(small.compare(heal=True)).kind == Kind.MISSING_FINAL_STATE
    assert small.call()["status"] == "no-answer"
    assert small.compare().report.is_clean


def test_an_answer_that_cannot_be_read_decides_nothing(small: Desk) -> None:
    small.tell([told(DAY, status="ringing")])
    small.api.calls[SID] = resource(SID, DAY, "in-progress", None)
    small.api.single[SID] = resource(SID, DAY, "exploded")
    assert only(small.compare(heal=True)).detail == "open for 528 h on both sides"
    assert small.call()["status"] == "ringing"


def test_a_wrong_account_does_not_ask_for_every_call(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "MOST_ASKED", 1)
    small.tell([told(DAY + at, f"CA{at:032x}", status="busy") for at in range(3)])
    report = small.compare().report
    assert report.counts == {Kind.UNLISTED_CALL: 3}
    assert report.looked_at["asked"] == 1


def test_an_unreadable_item_is_a_finding_and_the_others_go_on(small: Desk) -> None:
    small.api.calls = {
        SID: resource(SID, DAY, "exploded"),
        "CA2": resource("CA2", DAY),
    }
    assert small.compare(heal=True).report.counts == {Kind.UNHEARD_CALL: 1, Kind.UNREADABLE: 1}
    assert small.call("CA2")["duration_seconds"] == 60


def test_a_leg_that_was_linked_to_another_call_is_no_unheard_one(small: Desk) -> None:
    leg = told(DAY, "CA9" + "0" * 31, status="completed", talk_seconds=60)
    small.tell([told(DAY, status="completed", talk_seconds=60)])
    small.tell([msgspec.structs.replace(leg, links=(Node(SID, is_carrier=True),))])
    small.api.calls = {sid: resource(sid, DAY) for sid in (SID, leg.call_sid)}
    assert small.compare().report.is_clean


def test_an_erased_call_stays_erased(small: Desk) -> None:
    small.tell([told(DAY, status="ringing")])
    small.bench.run(small.bench.store.write(erase_call(TENANT, SID, NOW_US)))
    small.api.calls[SID] = resource(SID, DAY)
    assert small.compare(heal=True).report.is_clean


def test_healing_delivers_nothing_unless_asked_to(small: Desk) -> None:
    small.api.calls[SID] = resource(SID, DAY)
    small.compare(heal=True)
    assert events(small) == []
    small.api.calls["CA2"] = resource("CA2", DAY)
    small.compare(heal=True, deliver=True)
    assert events(small) == ["voice.call.completed", "voice.call.started"]
    stored = small.bench.run(small.bench.store.read(facts_of_call(TENANT, SID)))
    assert [each.fact.door for each in stored or ()] == [Door.PROVIDER_LIST]


def events(desk: Desk) -> list[str]:
    with direct(desk.bench.url) as db:
        return sorted(event for (event,) in db("SELECT event FROM outbox"))


# ----------------------------------------------------------------------------------------------------- files


def written(path: Path, calls: list[Resource]) -> Path:
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    return path


def test_a_file_in_place_of_the_list(small: Desk, tmp_path: Path) -> None:
    small.sign_in(account_sid="")
    names = [f"CA{number:032x}" for number in range(4)]
    small.tell([told(DAY + number * SECOND_US, name, status="ringing") for number, name in enumerate(names)])
    # The file reaches from the first to the third; nothing is said of the fourth.
    path = written(
        tmp_path / "calls.ndjson", [resource(names[0], DAY), resource(names[2], DAY + 2 * SECOND_US)]
    )
    with path.open("a") as file:
        file.write('{"sid": "CA-broken", "status": "exploded", "direction": "inbound"}\n')
    found = small.compare(files=(path,), heal=True)
    assert {finding.call_sid: finding.kind for finding in found.report.findings if finding.call_sid} == {
        names[0]: Kind.MISSING_FINAL_STATE,
        names[1]: Kind.UNLISTED_CALL,
        names[2]: Kind.MISSING_FINAL_STATE,
    }
    assert found.report.counts[Kind.UNREADABLE] == 1
    assert found.report.findings[-1].detail.startswith("calls.ndjson: line 3: status 'exploded'")
    assert small.api.asked == []
    assert [small.call(name)["status"] for name in names] == ["completed", "ringing", "completed", "ringing"]
    stored = small.bench.run(small.bench.store.read(facts_of_call(TENANT, names[0])))
    # As `calltally import` would have it, so that either finds the other's work done.
    assert {each.fact.door for each in stored or ()} == {Door.CALLBACK, Door.IMPORT}


def test_a_file_of_several_accounts_lacks_no_call(small: Desk, tmp_path: Path) -> None:
    small.sign_in(account_sid="")
    small.tell([told(DAY, status="busy")])
    others = [resource("CA2", DAY - DAY_US), resource("CA3", DAY + DAY_US, account_sid="AC" + "d" * 32)]
    found = small.compare(files=(written(tmp_path / "calls.ndjson", others),))
    assert found.report.counts == {Kind.UNHEARD_CALL: 2}


@pytest.mark.parametrize("listed", [[], [resource("CA2", DAY - 3 * DAY_US)]])
def test_a_file_of_nothing_or_of_another_time_is_not_clean(
    small: Desk, tmp_path: Path, listed: list[Resource]
) -> None:
    path = written(tmp_path / "calls.ndjson", listed)
    day = Window(DAY - DAY_US, DAY + DAY_US)
    assert small.compare(files=(path,), window=day).report.is_clean
    small.tell([told(DAY, status="busy")])
    with pytest.raises(InvalidInput, match="names no call of the window, of which there are 1 by twilio"):
        small.compare(files=(path,), window=day)


def test_with_a_file_single_calls_are_asked_for_where_that_can_be(small: Desk, tmp_path: Path) -> None:
    small.tell([told(DAY, status="ringing")])
    path = written(tmp_path / "calls.ndjson", [resource(SID, DAY, "in-progress", None)])
    small.api.single[SID] = resource(SID, DAY)
    assert only(small.compare(files=(path,), heal=True)).kind == Kind.MISSING_FINAL_STATE
    assert small.call()["status"] == "completed"


# ---------------------------------------------------------------------------------------------------- misuse


def test_what_cannot_be_compared(small: Desk) -> None:
    with pytest.raises(InvalidInput, match="there is no provider 'bogus'; there are twilio"):
        small.compare(provider="bogus")
    with pytest.raises(NotFound):
        small.compare(tenant="nobody")
    small.sign_in(account_sid="")
    with pytest.raises(Misconfigured, match="calltally provider put"):
        small.compare()


def test_a_window_may_be_all_of_time(small: Desk) -> None:
    small.api.calls = {SID: resource(SID, DAY)}
    found = small.compare(window=Window(FIRST_US, LAST_US))
    assert found.report.counts == {Kind.UNHEARD_CALL: 1}


def test_each_finding_is_told_as_it_is_confirmed(small: Desk) -> None:
    small.api.calls = {SID: resource(SID, DAY), "CA2": resource("CA2", DAY)}
    heard: list[Finding] = []
    question = Question(TENANT, "twilio", Window(MONTH_US, END_US), most=1)
    run = compare(small.bench.store, small.settings, question, NOW_US, told=heard.append)
    report = small.bench.run(run).report
    assert len(report.findings) == 1
    assert report.counts[Kind.UNHEARD_CALL] == len(heard) == 2
