"""Waiting work of all tenants, as the metrics report it."""

from calltally.calls.times import SECOND_US
from calltally.store.maintenance.backlog import Backlog, OpenJobs, admin_backlog
from calltally.store.tenants.dead_letters import DeadLetter, put_dead_letter
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import Direct, direct

MINUTE_US = 60 * SECOND_US
ENDPOINT, NOBODY = b"e" * 16, b"n" * 16


def backlog(bench: Bench) -> Backlog:
    return bench.run(bench.store.read(admin_backlog(NOW_US)))


def put_delivery(db: Direct, number: int, state: str) -> None:
    names = "tenant, endpoint, event_id, event, revision, place, call_id, state, attempts, tries, due_us"
    values = (TENANT, ENDPOINT, bytes([number]) * 16, "voice.call.started", number, 0, NOBODY, state)
    marks = ", ".join("?" * 13)
    db(
        f"INSERT INTO deliveries ({names}, created_us, updated_us) VALUES ({marks})",
        *values,
        0,
        0,
        NOW_US,
        NOW_US,
        NOW_US,
    )


def put_job(db: Direct, number: int, state: str, created_us: int) -> None:
    names = "tenant, job, kind, state, spec, progress, checked, turns, tries, waits, due_us"
    values = (TENANT, bytes([number]) * 16, "export", state, b"{}", b"{}", 0, 0, 0, 0)
    marks = ", ".join("?" * 13)
    db(
        f"INSERT INTO jobs ({names}, created_us, updated_us) VALUES ({marks})",
        *values,
        created_us,
        created_us,
        created_us,
    )


def test_without_work_nothing_waits(bench: Bench) -> None:
    assert backlog(bench) == Backlog(0, 0, None, [], 0, 0, 0, 0, None)


def test_waiting_work_is_counted_by_state(bench: Bench) -> None:
    letters = [DeadLetter(bytes([at]) * 16, "twilio", NOW_US, "unread", b"{}") for at in range(3)]
    for letter in letters:
        bench.run(bench.store.write(put_dead_letter(TENANT, letter, waits=letter is not letters[0])))
    with direct(bench.url) as db:
        for number, state in enumerate(("waiting", "waiting", "dead", "delivered")):
            put_delivery(db, number, state)
        for tenant, due_us in (("new", 0), ("acme", NOW_US - MINUTE_US), ("idle", 2**62)):
            db("INSERT INTO delivery_heads (tenant, seen, due_us) VALUES (?, 0, ?)", tenant, due_us)
        for number, state in enumerate(("queued", "queued", "running", "complete")):
            put_job(db, number, state, NOW_US - number * MINUTE_US)
        for tenant, until_us in (("acme", NOW_US - MINUTE_US), ("bolt", NOW_US + MINUTE_US)):
            db("INSERT INTO leases (tenant, job, holder, until_us) VALUES (?, 'x', 'y', ?)", tenant, until_us)
        notice = (TENANT, ENDPOINT, NOBODY, 1, NOW_US, 0, NOW_US)
        names = "tenant, sink, alert, change, due_us, tries, created_us"
        db(f"INSERT INTO alert_notices ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", *notice)
    found = backlog(bench)
    assert (found.waiting_deliveries, found.dead_deliveries, found.dead_letters) == (2, 1, 2)
    assert found.earliest_delivery_us == NOW_US - MINUTE_US
    assert sorted(found.jobs) == [
        OpenJobs("export", "queued", 2, NOW_US - MINUTE_US),
        OpenJobs("export", "running", 1, NOW_US - 2 * MINUTE_US),
    ]
    assert found.notifications == 1
    assert (found.leases, found.expired_leases) == (2, 1)
    assert found.earliest_expiry_us == NOW_US - MINUTE_US
