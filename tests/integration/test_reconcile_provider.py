"""Comparison with the provider's list: each planted fault is found and no other, healed, and gone."""

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

from calltally.bootstrap.outbound import provider_access
from calltally.bootstrap.vaults import open_vault
from calltally.calls.errors import InvalidInput, Misconfigured, NotFound
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.times import DAY_US, SECOND_US
from calltally.calls.windows import FIRST_US, LAST_US, TimeWindow
from calltally.reconcile import recheck
from calltally.reconcile.findings import Finding, FindingKind
from calltally.reconcile.provider_reconciliation import ReconciliationRequest, reconcile_provider
from calltally.reconcile.provider_run import ProviderReport
from calltally.settings.fields import Settings
from calltally.store.db.interface import Submission
from calltally.store.ledger.lookup import facts_of_call, find_call
from calltally.store.maintenance.erasure import erase_call
from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct
from tests.provider_month import END_US, MONTH_US, NOW_US, Month, month
from tests.sample_facts import fact
from tests.twilio_api import ACCOUNT, TOKEN, Resource, TwilioApi, resource, served

# A million calls, with the list in another process: python -m bench --size 1m --only heal.
CALLS = int(os.environ.get("MONTH_CALLS", "700"))
DAY = MONTH_US + 10 * DAY_US
SID = "CA" + "1" * 32


class Desk:
    """Tenant with Twilio's secrets, a ledger and a Twilio test double."""

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

    def record(self, facts: list[Fact]) -> None:
        async def submit() -> None:
            for at in range(0, len(facts), 2_000):
                await self.bench.store.submit([Submission(TENANT, fact) for fact in facts[at : at + 2_000]])

        self.bench.run(submit())

    def compare(self, **changes: Any) -> ProviderReport:  # noqa: ANN401 (fields of a question)
        request = ReconciliationRequest(TENANT, "twilio", TimeWindow(MONTH_US, END_US))
        request_with_changes = msgspec.structs.replace(request, **changes)
        return self.bench.run(
            reconcile_provider(provider_access(self.settings, self.bench.store), request_with_changes, NOW_US)
        )

    def call(self, call_sid: str = SID) -> Any:  # noqa: ANN401 (a record)
        record = self.bench.run(self.bench.store.read(find_call(TENANT, call_sid)))
        return record and json.loads(record)


@pytest.fixture
def desk(bench: Bench) -> Iterator[Desk]:
    with served(TwilioApi()) as api:
        made = Desk(bench, api)
        made.sign_in()
        yield made


def named(report: ProviderReport) -> dict[str | None, FindingKind]:
    return {finding.call_sid: finding.kind for finding in report.report.findings}


def test_faults_of_a_month_are_found_healed_and_gone(desk: Desk) -> None:
    made = month(CALLS)
    desk.record(made.facts)
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
    # An answer is proof and is not taken back, but the provider's fact is recorded.
    assert healing.healed.recorded == len(made.labels)
    assert (healing.healed.known, healing.healed.refused, healing.healed.left) == (0, 0, 0)

    again = desk.compare(heal=True)
    assert again.report.is_clean
    assert again.healed is not None
    assert again.healed.recorded == 0
    assert again.report.looked_at["disputed"] == _disputed(made) > 0


def _disputed(made: Month) -> int:
    """Return the number of calls with a reported answer that the provider lists as unanswered."""
    answered_sids = {fact.call_sid for fact in made.facts if fact.stated.get("status") == "in-progress"}
    return sum(
        made.labels.get(call["sid"]) == FindingKind.CONTRADICTION
        and call["sid"] in answered_sids
        and call["duration"] == "0"
        for call in made.listed
    )


# ---------------------------------------------------------------------------------------------- single calls


@pytest.fixture
def small(new_sqlite_bench: Bench) -> Iterator[Desk]:
    """The same on one database: these queries are the ones that the month test runs on both."""
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


def callback_fact(at_us: int, call_sid: str = SID, **fields: Any) -> Fact:  # noqa: ANN401 (values of every kind)
    made = fact(0, call_sid, provider_account=ACCOUNT, **fields)
    whole = cast("StatedFields", {**made.stated, "provider": "twilio"})
    digest = content_digest([call_sid, at_us, whole])
    return msgspec.structs.replace(made, occurred_us=at_us, digest=digest, stated=whole)


def only(report: ProviderReport) -> Finding:
    (finding,) = report.report.findings
    return finding


def test_unlisted_call_is_fetched_by_itself(small: Desk) -> None:
    small.record([callback_fact(DAY, status="completed", talk_seconds=60, ended_us=DAY + 60 * SECOND_US)])
    found = only(small.compare(heal=True))
    assert (found.kind, found.call_sid) == (FindingKind.UNLISTED_CALL, SID)
    assert found.detail.endswith("; twilio was asked and does not know it")
    # A scheduled call: its start is far from its creation, so it is found only by itself.
    small.api.single[SID] = resource(SID, DAY - 3 * DAY_US)
    assert small.compare().report.is_clean


def test_old_open_call_is_fetched_and_never_closed_without_fact(small: Desk) -> None:
    small.record([callback_fact(DAY, status="ringing")])
    still = resource(SID, DAY, "in-progress", None)
    small.api.calls[SID] = still
    healing = small.compare(heal=True)
    assert only(healing).kind == FindingKind.OPEN_TOO_LONG
    assert only(healing).detail == "open for 528 h on both sides; twilio was asked and still lists it as open"
    assert healing.healed is not None
    assert (healing.healed.recorded, healing.healed.left) == (0, 1)
    assert small.call()["status"] == "ringing"
    # The list is outdated; fetched by itself the call has ended.
    small.api.single[SID] = resource(SID, DAY, "no-answer", 0)
    assert only(small.compare(heal=True)).kind == FindingKind.MISSING_FINAL_STATE
    assert small.call()["status"] == "no-answer"
    assert small.compare().report.is_clean


def test_unreadable_reply_decides_nothing(small: Desk) -> None:
    small.record([callback_fact(DAY, status="ringing")])
    small.api.calls[SID] = resource(SID, DAY, "in-progress", None)
    small.api.single[SID] = resource(SID, DAY, "exploded")
    assert only(small.compare(heal=True)).detail == "open for 528 h on both sides"
    assert small.call()["status"] == "ringing"


def test_wrong_account_does_not_fetch_every_call(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "MAX_REQUESTS", 1)
    small.record([callback_fact(DAY + at, f"CA{at:032x}", status="busy") for at in range(3)])
    report = small.compare().report
    assert report.counts == {FindingKind.UNLISTED_CALL: 3}
    assert report.looked_at["asked"] == 1


def test_unreadable_item_is_a_finding_and_others_are_compared(small: Desk) -> None:
    small.api.calls = {
        SID: resource(SID, DAY, "exploded"),
        "CA2": resource("CA2", DAY),
    }
    assert small.compare(heal=True).report.counts == {FindingKind.UNHEARD_CALL: 1, FindingKind.UNREADABLE: 1}
    assert small.call("CA2")["duration_seconds"] == 60


def test_leg_linked_to_another_call_is_not_unheard(small: Desk) -> None:
    leg = callback_fact(DAY, "CA9" + "0" * 31, status="completed", talk_seconds=60)
    small.record([callback_fact(DAY, status="completed", talk_seconds=60)])
    small.record([msgspec.structs.replace(leg, links=(Node(SID, is_carrier=True),))])
    small.api.calls = {sid: resource(sid, DAY) for sid in (SID, leg.call_sid)}
    assert small.compare().report.is_clean


def test_erased_call_stays_erased(small: Desk) -> None:
    small.record([callback_fact(DAY, status="ringing")])
    small.bench.run(small.bench.store.write(erase_call(TENANT, SID, NOW_US)))
    small.api.calls[SID] = resource(SID, DAY)
    assert small.compare(heal=True).report.is_clean


def test_healing_delivers_nothing_by_default(small: Desk) -> None:
    small.api.calls[SID] = resource(SID, DAY)
    small.compare(heal=True)
    assert events(small) == []
    small.api.calls["CA2"] = resource("CA2", DAY)
    small.compare(heal=True, deliver=True)
    assert events(small) == ["voice.call.completed", "voice.call.started"]
    stored = small.bench.run(small.bench.store.read(facts_of_call(TENANT, SID)))
    assert [each.fact.channel for each in stored or ()] == [Channel.PROVIDER_LIST]


def events(desk: Desk) -> list[str]:
    with direct(desk.bench.url) as db:
        return sorted(event for (event,) in db("SELECT event FROM outbox"))


# ----------------------------------------------------------------------------------------------------- files


def written(path: Path, calls: list[Resource]) -> Path:
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    return path


def test_file_replaces_the_list(small: Desk, tmp_path: Path) -> None:
    small.sign_in(account_sid="")
    names = [f"CA{number:032x}" for number in range(4)]
    small.record(
        [callback_fact(DAY + number * SECOND_US, name, status="ringing") for number, name in enumerate(names)]
    )
    # The file covers the first to the third call; the fourth is not compared.
    path = written(
        tmp_path / "calls.ndjson", [resource(names[0], DAY), resource(names[2], DAY + 2 * SECOND_US)]
    )
    with path.open("a") as file:
        file.write('{"sid": "CA-broken", "status": "exploded", "direction": "inbound"}\n')
    found = small.compare(files=(path,), heal=True)
    assert {finding.call_sid: finding.kind for finding in found.report.findings if finding.call_sid} == {
        names[0]: FindingKind.MISSING_FINAL_STATE,
        names[1]: FindingKind.UNLISTED_CALL,
        names[2]: FindingKind.MISSING_FINAL_STATE,
    }
    assert found.report.counts[FindingKind.UNREADABLE] == 1
    assert found.report.findings[-1].detail.startswith("calls.ndjson: line 3: status 'exploded'")
    assert small.api.requested == []
    assert [small.call(name)["status"] for name in names] == ["completed", "ringing", "completed", "ringing"]
    stored = small.bench.run(small.bench.store.read(facts_of_call(TENANT, names[0])))
    # As `calltally import` records it, so that neither repeats the other's work.
    assert {each.fact.channel for each in stored or ()} == {Channel.CALLBACK, Channel.IMPORT}


def test_file_of_several_accounts_has_no_missing_call(small: Desk, tmp_path: Path) -> None:
    small.sign_in(account_sid="")
    small.record([callback_fact(DAY, status="busy")])
    others = [resource("CA2", DAY - DAY_US), resource("CA3", DAY + DAY_US, account_sid="AC" + "d" * 32)]
    found = small.compare(files=(written(tmp_path / "calls.ndjson", others),))
    assert found.report.counts == {FindingKind.UNHEARD_CALL: 2}


@pytest.mark.parametrize("listed", [[], [resource("CA2", DAY - 3 * DAY_US)]])
def test_empty_file_or_file_of_another_time_is_refused(
    small: Desk, tmp_path: Path, listed: list[Resource]
) -> None:
    path = written(tmp_path / "calls.ndjson", listed)
    day = TimeWindow(DAY - DAY_US, DAY + DAY_US)
    assert small.compare(files=(path,), window=day).report.is_clean
    small.record([callback_fact(DAY, status="busy")])
    with pytest.raises(
        InvalidInput, match="has no call in the window, but Calltally has 1 call of twilio there"
    ):
        small.compare(files=(path,), window=day)


def test_single_calls_are_fetched_in_addition_to_a_file_if_possible(small: Desk, tmp_path: Path) -> None:
    small.record([callback_fact(DAY, status="ringing")])
    path = written(tmp_path / "calls.ndjson", [resource(SID, DAY, "in-progress", None)])
    small.api.single[SID] = resource(SID, DAY)
    assert only(small.compare(files=(path,), heal=True)).kind == FindingKind.MISSING_FINAL_STATE
    assert small.call()["status"] == "completed"


# ---------------------------------------------------------------------------------------------------- misuse


def test_uncomparable_requests_are_refused(small: Desk) -> None:
    with pytest.raises(InvalidInput, match="there is no provider 'bogus'; the providers are twilio"):
        small.compare(provider="bogus")
    with pytest.raises(NotFound):
        small.compare(tenant="nobody")
    small.sign_in(account_sid="")
    with pytest.raises(Misconfigured, match="calltally provider put"):
        small.compare()


def test_window_may_be_all_of_time(small: Desk) -> None:
    small.api.calls = {SID: resource(SID, DAY)}
    found = small.compare(window=TimeWindow(FIRST_US, LAST_US))
    assert found.report.counts == {FindingKind.UNHEARD_CALL: 1}


def test_each_finding_is_reported_when_confirmed(small: Desk) -> None:
    small.api.calls = {SID: resource(SID, DAY), "CA2": resource("CA2", DAY)}
    reported: list[Finding] = []
    request = ReconciliationRequest(TENANT, "twilio", TimeWindow(MONTH_US, END_US), most=1)
    run = reconcile_provider(
        provider_access(small.settings, small.bench.store), request, NOW_US, on_finding=reported.append
    )
    report = small.bench.run(run).report
    assert len(report.findings) == 1
    assert report.counts[FindingKind.UNHEARD_CALL] == len(reported) == 2
