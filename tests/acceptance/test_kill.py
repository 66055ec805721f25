"""`kill -9` while 64 connections tell of calls: what was acknowledged is there, once, in a sound ledger."""

import asyncio
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple
from urllib.parse import urlencode

from calltally.calls.identity import call_uuid
from tests.acceptance.live import COMMAND, HOST, Live, calltally, own_environment, port_of, request_head
from tests.examples import examples
from tests.integration.store.probing import direct
from tests.unit.providers.twilio.signing import FORM, TOKEN, repeated, sdk_signature
from tests.unmeasured import unmeasured

CONNECTIONS = 64
KILLS = {"sqlite": examples(6), "postgres": examples(2)}
# How many answers a server may give before it is killed, and for how many seconds more it may live.
MOST_ANSWERS = 400
MOST_SECONDS_MORE = 0.02
ANSWERS_WITHIN_S = 20
PUBLIC_URL = "https://calls.example"
INGEST = "/api/v1/ingest/twilio/acme"
ADMIN_KEY = "let-me-in-" + "0" * 32


class Reported(NamedTuple):
    """One request, as it goes over the wire, and the SID of the call that it alone speaks of."""

    sid: str
    sent: bytes


class Traffic:
    """Endless own events and callbacks. What got no answer is told again, as any sender would."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._numbers = count()
        self._unanswered: list[Reported] = []
        self.acknowledged: Counter[str] = Counter()

    def next(self) -> Reported:
        if self._unanswered:
            return self._unanswered.pop()
        number = next(self._numbers)
        return self._callback(number) if number % 2 else self._event(number)

    def _event(self, number: int) -> Reported:
        event = {"id": f"e{number}", "call_sid": f"own-{number}", "occurred_at": "2026-10-01T00:00:00Z"}
        body = json.dumps({**event, "status": "ringing", "tags": [f"tag-{number}"]}).encode()
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        return Reported(event["call_sid"], _request("/api/v1/events", headers, body))

    def _callback(self, number: int) -> Reported:
        sid = f"CA{number:032x}"
        form = [("CallSid", sid), ("AccountSid", "AC" + "2" * 32), ("CallStatus", "ringing")]
        signature = sdk_signature(PUBLIC_URL + INGEST, repeated(form))
        headers = {"x-twilio-signature": signature, "content-type": FORM}
        return Reported(sid, _request(INGEST, headers, urlencode(form).encode()))

    async def connect(self, port: int, answered: Callable[[], None]) -> None:
        """One connection that is kept until the server is gone."""
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                while True:
                    await self._report(reader, writer, answered)
            finally:
                writer.close()
                await writer.wait_closed()

    async def _report(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answered: Callable[[], None]
    ) -> None:
        reported = self.next()
        try:
            writer.write(reported.sent)
            answer = await _read_answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            self._unanswered.append(reported)
            raise
        assert answer.startswith(b"HTTP/1.1 2"), answer
        self.acknowledged[reported.sid] += 1
        answered()


def _request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    return request_head(f"POST {path}", {"host": HOST, "content-length": str(len(body)), **headers}) + body


async def _read_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)


class Server:
    """One `calltally serve` at a time, which this test alone starts and kills."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._log = folder / "serve.log"
        settings = {"DATABASE_URL": url, "ADMIN_KEY": ADMIN_KEY, "PUBLIC_URL": PUBLIC_URL, "PORT": "0"}
        self.environment = unmeasured(own_environment(**settings, SECRET_KEY="A" * 43 + "="))

    def start(self) -> tuple["subprocess.Popen[bytes]", Live]:
        with self._log.open("wb") as output:
            process = subprocess.Popen(
                [*COMMAND, "serve"], cwd=self._folder, env=self.environment, stderr=output
            )
        return process, Live(port_of(process, self._log), ADMIN_KEY, self._log)

    def prepare(self) -> Traffic:
        """A tenant with a key and a provider's secret, made by a first server."""
        process, live = self.start()
        live.administer("POST", "", {"id": "acme"})
        live.administer("PUT", "/acme/providers/twilio", {"auth_token": TOKEN})
        traffic = Traffic(live.new_key("acme", "events:write"))
        _kill(process)
        return traffic


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(ANSWERS_WITHIN_S) == -signal.SIGKILL


async def kill_in_traffic(server: Server, traffic: Traffic, luck: Random) -> None:
    """Start a server, let all connections talk to it, kill it at some moment."""
    process, live = server.start()
    enough = asyncio.Event()
    left = iter(range(luck.randint(1, MOST_ANSWERS)))

    def answered() -> None:
        if next(left, None) is None:
            enough.set()

    tasks = [asyncio.create_task(traffic.connect(live.port, answered)) for _ in range(CONNECTIONS)]
    try:
        await asyncio.wait_for(enough.wait(), ANSWERS_WITHIN_S)
        await asyncio.wait(tasks, timeout=luck.uniform(0, MOST_SECONDS_MORE))
    finally:
        _kill(process)
    await asyncio.gather(*tasks)


def test_what_was_acknowledged_is_there_once_after_every_kill(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    server = Server(tmp_path, url)
    traffic = server.prepare()
    luck = Random(11)
    for _ in range(KILLS[url.partition(":")[0].removesuffix("ql")]):
        asyncio.run(kill_in_traffic(server, traffic, luck))
    # Nobody was told twice that the same thing was recorded: only what got no answer was told again.
    assert set(traffic.acknowledged.values()) == {1}
    with direct(url) as db:
        kept = {bytes(node): facts for node, facts in db("SELECT node, count(*) FROM facts GROUP BY node")}
    assert {call_uuid("acme", sid) for sid in traffic.acknowledged} - kept.keys() == set()
    assert set(kept.values()) == {1}
    verified = calltally(tmp_path, "verify", "--json", environment=server.environment)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["looked_at"]["facts"] == len(kept)
