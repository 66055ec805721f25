"""New epoch: earlier tokens are refused, later ones are valid."""

import re

import pytest

from calltally.calls.errors import NotFound, SnapshotGone
from calltally.store.maintenance.new_epoch import start_epoch
from calltally.store.snapshots.holds import find_hold_revision, pin_hold
from calltally.store.snapshots.ledger_head import read_ledger_head
from calltally.store.snapshots.tokens import POSITION, SNAPSHOT, make_token, read_position, read_snapshot
from calltally.store.tenants.tenants import new_epoch
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit
from tests.integration.test_cli import Commands
from tests.sample_facts import fact

OTHER = "bolt"


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Run commands on a database of two tenants with a call and a hold each."""
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    bench.add_tenant(OTHER)
    for tenant in (TENANT, OTHER):
        submit(bench, fact(1), fact(2, "another"), tenant=tenant)
        bench.run(bench.store.write(pin_hold(tenant, "nightly", NOW_US)))
    return Commands(monkeypatch, capsys)


def test_earlier_tokens_are_gone(bench: Bench, run: Commands) -> None:
    ledger_head = bench.run(bench.store.read(read_ledger_head(TENANT)))
    tokens = {kind: make_token(kind, ledger_head, ledger_head.revision) for kind in (SNAPSHOT, POSITION)}
    assert read_snapshot(ledger_head, tokens[SNAPSHOT]) == read_position(ledger_head, tokens[POSITION]) == 2
    output = run("db", "new-epoch")
    assert output.code == 0
    now = bench.run(bench.store.read(read_ledger_head(TENANT)))
    assert (now.revision, now.kept_from, now.erasures) == (2, ledger_head.kept_from, ledger_head.erasures)
    with pytest.raises(SnapshotGone, match="before it was restored"):
        read_snapshot(now, tokens[SNAPSHOT])
    with pytest.raises(SnapshotGone, match="before it was restored"):
        read_position(now, tokens[POSITION])
    assert read_snapshot(now, make_token(SNAPSHOT, now, now.revision)) == 2


def test_hold_is_gone_in_the_middle_of_its_pages_and_pinned_anew_at_the_start(
    bench: Bench, run: Commands
) -> None:
    before = bench.run(bench.store.read(read_ledger_head(TENANT)))
    assert bench.run(bench.store.read(find_hold_revision(before, "nightly", begins=False))) == 2
    assert run("db", "new-epoch", "--json").json[0]["holds_ended"] == 1
    now = bench.run(bench.store.read(read_ledger_head(TENANT)))
    with pytest.raises(SnapshotGone):
        bench.run(bench.store.read(find_hold_revision(now, "nightly", begins=False)))
    assert bench.run(bench.store.write(pin_hold(TENANT, "nightly", NOW_US))) == 2
    assert bench.run(bench.store.read(find_hold_revision(now, "nightly", begins=False))) == 2
    assert run("db", "new-epoch", "--json").json[0]["holds_ended"] == 1


def test_each_ledger_gets_its_own_epoch_and_one_may_be_selected(bench: Bench, run: Commands) -> None:
    reported = run("db", "new-epoch", "--json").json
    assert [each["tenant"] for each in reported] == [TENANT, OTHER]
    assert len({each["epoch"] for each in reported} | {"epoch-1"}) == 3
    assert [each["revision"] for each in reported] == [2, 2]
    output = run("db", "new-epoch", "--tenant", OTHER)
    assert re.search(rf"^{OTHER} +[0-9a-f]{{16}}  2 +0$", output.out, re.MULTILINE)
    assert "410" in output.err
    epochs = [bench.run(bench.store.read(read_ledger_head(tenant))).epoch for tenant in (TENANT, OTHER)]
    assert epochs[0] == reported[0]["epoch"]
    assert epochs[1] != reported[1]["epoch"]


def test_unknown_tenant_is_reported(bench: Bench, run: Commands) -> None:
    assert "there is no tenant 'nobody'" in run("db", "new-epoch", "--tenant", "nobody").err
    with pytest.raises(NotFound):
        bench.run(bench.store.write(start_epoch("nobody", new_epoch())))
