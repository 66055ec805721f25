"""Pruning of alerts: old resolved ones go with their history; others stay."""

from typing import Any

import pytest

from calltally.calls.errors import NotFound
from calltally.calls.times import DAY_US
from calltally.store.alerts.alerts import (
    Alert,
    AlertAge,
    AlertEvent,
    AlertFilter,
    AlertState,
    StoredAlertChange,
    acknowledge,
    alert_history,
    has_old_alerts,
    list_alerts,
    mute,
    need_alert,
    open_alert,
    prune_alerts,
    resolve,
)
from calltally.store.db.operation import StoreOperation
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct
from tests.integration.test_worker import run_round

RETENTION_US = 400 * DAY_US
LATER_US = NOW_US + RETENTION_US + 1
OLD = AlertAge(NOW_US + 1, LATER_US)


def write(bench: Bench, step: StoreOperation[Any]) -> Any:  # noqa: ANN401 (any result of a step)
    return bench.run(bench.store.write(step))


def by_hand(at_us: int = NOW_US) -> StoredAlertChange:
    return StoredAlertChange(0, at_us, AlertEvent.RESOLVED, "key", None)


def opened(bench: Bench, number: int, tenant: str = TENANT) -> bytes:
    """Open an alert with a cause of its own."""
    alert = Alert(
        *(bytes([number]) * 16, f"rate/route/{number}", "rate", None, None, AlertState.OPEN, NOW_US, NOW_US),
        *(NOW_US, None, None, 0, 0, b"{}"),
    )
    return write(bench, open_alert(tenant, alert)).alert  # type: ignore[no-any-return]  # an id


def over(bench: Bench, number: int, at_us: int = NOW_US, tenant: str = TENANT) -> bytes:
    alert = opened(bench, number, tenant)
    write(bench, resolve(tenant, alert, by_hand(at_us)))
    return alert


def left(bench: Bench, tenant: str = TENANT) -> set[bytes]:
    alerts, _ = bench.run(bench.store.read(list_alerts(tenant, AlertFilter(0, LATER_US, limit=100))))
    return {alert.alert for alert in alerts}


def pruned(bench: Bench, old: AlertAge, most: int = 50) -> list[int]:
    """Return the number of alerts that each batch removed."""
    gone: list[int] = []
    while some := write(bench, prune_alerts(TENANT, old, most)):
        gone.append(some)
    assert not bench.run(bench.store.read(has_old_alerts(TENANT, old)))
    return gone


def test_old_resolved_alerts_are_pruned_with_their_history(bench: Bench) -> None:
    gone = {over(bench, number) for number in range(5)}
    assert left(bench) == gone
    assert bench.run(bench.store.read(has_old_alerts(TENANT, OLD)))
    assert pruned(bench, OLD, 2) == [2, 2, 1]
    assert left(bench) == set()
    with direct(bench.url) as db:
        assert db("SELECT count(*) FROM alert_changes") == [(0,)]
    with pytest.raises(NotFound):
        bench.run(bench.store.read(need_alert(TENANT, bytes(16))))


def test_unresolved_alerts_are_not_pruned(bench: Bench) -> None:
    acknowledged, still_open = opened(bench, 1), opened(bench, 2)
    write(bench, acknowledge(TENANT, acknowledged, by_hand()._replace(what=AlertEvent.ACKNOWLEDGED)))
    gone = over(bench, 3)
    assert pruned(bench, OLD) == [1]
    assert left(bench) == {acknowledged, still_open}
    assert gone not in left(bench)
    assert len(bench.run(bench.store.read(alert_history(TENANT, acknowledged)))) == 2


def test_age_of_an_alert_is_that_of_its_last_change(bench: Bench) -> None:
    over(bench, 1, NOW_US)
    late = over(bench, 2, NOW_US + DAY_US)
    assert pruned(bench, OLD) == [1]
    assert left(bench) == {late}
    assert pruned(bench, AlertAge(NOW_US + DAY_US, LATER_US)) == []
    assert pruned(bench, AlertAge(NOW_US + DAY_US + 1, LATER_US)) == [1]


def test_muted_alert_is_kept_until_the_mute_ends(bench: Bench) -> None:
    """The mute holds for the same cause, even if it begins again."""
    muted = over(bench, 1)
    by = by_hand()._replace(what=AlertEvent.MUTED)
    write(bench, mute(TENANT, muted, LATER_US, by))
    assert pruned(bench, AlertAge(NOW_US + 1, LATER_US - 1)) == []
    assert left(bench) == {muted}
    assert pruned(bench, OLD) == [1]


def test_pruning_leaves_alerts_of_other_tenants(bench: Bench) -> None:
    other = bench.new_tenant()
    over(bench, 1)
    theirs = over(bench, 1, tenant=other)
    assert pruned(bench, OLD) == [1]
    assert left(bench, other) == {theirs}
    assert len(bench.run(bench.store.read(alert_history(other, theirs)))) == 2


def test_worker_round_prunes_alerts_only_with_a_retention(bench: Bench) -> None:
    for number in range(60):
        over(bench, number)
    assert run_round(bench, LATER_US).pruned == 0
    assert run_round(bench, LATER_US - 1, alerts_us=RETENTION_US).pruned == 0
    assert run_round(bench, LATER_US, alerts_us=RETENTION_US).pruned == 60
    assert left(bench) == set()
    assert run_round(bench, LATER_US, alerts_us=RETENTION_US).is_idle
