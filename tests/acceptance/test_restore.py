"""A backup under load, restored elsewhere: what was erased since the backup stays erased."""

from pathlib import Path
from threading import Event, Thread
from typing import Any

from tests.acceptance.live import Live, calltally, serving

NUMBER = "+14155550177"


def event(name: str, number: str = "+14155550100") -> dict[str, Any]:
    return {
        "id": f"event-{name}",
        "call_sid": f"call-{name}",
        "occurred_at": "2026-10-01T09:30:00Z",
        "status": "completed",
        "from_number": number,
    }


def send_until(live: Live, key: str, stopped: Event) -> None:
    number = 0
    while not stopped.is_set():
        number += 1
        live.send_events(key, [event(f"load-{number}")])


def back_up_under_load(folder: Path, live: Live, key: str) -> None:
    stopped = Event()
    sender = Thread(target=send_until, args=(live, key, stopped))
    sender.start()
    try:
        made = calltally(folder, "backup", "create", "backup")
    finally:
        stopped.set()
        sender.join()
    assert made.returncode == 0, made.stderr


def test_erased_calls_and_tenants_stay_erased_after_a_restore(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with serving(first) as live:
        tenant, removed = live.new_tenant(), live.new_tenant()
        key, lost = (live.new_key(each, "events:write", "calls:read") for each in (tenant, removed))
        live.send_events(key, [event("erased", NUMBER)])
        live.send_events(lost, [event("removed", NUMBER)])
        reader = {"authorization": f"Bearer {key}"}
        token = live.request("GET", "/api/v1/call-logs", headers=reader).json["snapshot"]
        back_up_under_load(first, live, key)
        path = f"/api/v1/call-logs/call-erased?tenant={tenant}"
        assert live.request("DELETE", path, headers=live.admin).status == 204
        live.administer("DELETE", f"/{removed}?confirm={removed}")
    erasures = first / "var" / "calltally.db.erasures"
    assert NUMBER.encode() not in erasures.read_bytes()

    restored = calltally(second, "restore", str(first / "backup"), "--erasures", str(erasures))
    assert (restored.returncode, "2 later erasures were applied." in restored.stderr) == (0, True), restored
    assert calltally(second, "verify").returncode == 0
    for name in ("calltally.db", "calltally.db-wal"):
        database = second / "var" / name
        assert not database.exists() or NUMBER.encode() not in database.read_bytes()
    with serving(second) as live:
        assert live.request("GET", "/api/v1/call-logs/call-erased", headers=reader).status == 410
        assert live.request("GET", f"/api/v1/call-logs?snapshot={token}", headers=reader).status == 410
        headers = {"authorization": f"Bearer {lost}"}
        assert live.request("GET", "/api/v1/call-logs", headers=headers).status == 401
