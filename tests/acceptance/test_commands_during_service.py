"""Commands beside a running service on one SQLite file: both go on, and nothing is lost."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.live import HOST, calltally, own_environment, request_head
from tests.acceptance.test_workers import Server

RECORDS = 4_000
SENDERS = 8


async def send_until(done: asyncio.Event, server: Server, key: str, number: int) -> list[str]:
    """Tell of one call after the other on one connection; each must be recorded. Return their SIDs."""
    reader, writer = await asyncio.open_connection(HOST, server.live.port)
    sids: list[str] = []
    while not done.is_set():
        sid = f"service-{number}-{len(sids)}"
        event = {"id": sid, "call_sid": sid, "status": "ringing", "occurred_at": "2026-10-01T09:00:00Z"}
        body = json.dumps([event]).encode()
        headers = {"host": HOST, "authorization": f"Bearer {key}", "content-type": "application/json"}
        writer.write(request_head("POST /api/v1/events", headers | {"content-length": str(len(body))}) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        [length] = [line.split()[1] for line in head.lower().splitlines() if b"content-length" in line]
        await reader.readexactly(int(length))
        sids.append(sid)
    writer.close()
    await writer.wait_closed()
    return sids


async def import_during_service(server: Server, folder: Path, tenant: str, key: str) -> tuple[list[str], Any]:
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        senders = [group.create_task(send_until(done, server, key, number)) for number in range(SENDERS)]
        words = ("import", "twilio", "calls.ndjson", "--tenant", tenant, "--json")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "calltally", *words),
            cwd=folder,
            env=own_environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        # Each goes on for as long as the import runs.
        done.set()
    assert process.returncode == 0
    return [sid for sender in senders for sid in sender.result()], json.loads(output)


def test_an_import_and_a_busy_service_both_go_on(folder: Path) -> None:
    lines = (json.dumps({"sid": f"CA{number:032x}", "status": "busy"}) for number in range(RECORDS))
    (folder / "calls.ndjson").write_text("\n".join(lines))
    server = Server(folder)
    try:
        tenant = server.live.new_tenant()
        key = server.live.new_key(tenant, "calls:read", "events:write")
        sids, report = asyncio.run(import_during_service(server, folder, tenant, key))
        assert (report["recorded"], report["refused"]) == (RECORDS, 0)
        assert len(sids) > 5 * SENDERS
        page = server.live.request(
            "GET", "/api/v1/call-logs?limit=1", headers={"authorization": f"Bearer {key}"}
        )
        assert page.json["total"] == RECORDS + len(sids)
    finally:
        assert server.end() == 0
    assert calltally(folder, "verify", "--tenant", tenant).returncode == 0
