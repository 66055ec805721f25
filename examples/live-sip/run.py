"""A real SIP line: Kamailio and SIPp on loopback place 1,000 calls, and the log has to be right for each.

Run by hand: `python examples/live-sip/run.py`. README.md says what it needs and what it shows.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
HOST: Final = "127.0.0.1"
SIP_PORT: Final = 5160
TENANT: Final = "line"
# A scenario may hang: nothing here runs for longer.
LONGEST_S: Final = 180
# Kamailio's timers (3 s for an answer, 5 s for ringing) and a second for what is under way.
SETTLES_S: Final = 8
_CALLTALLY: Final = (sys.executable, "-m", "calltally")


class Kind(NamedTuple):
    """Calls of one kind: how many, what the caller and the callee do, and what the log has to say."""

    name: str
    calls: int
    caller: str
    callee: str
    status: str
    sip_code: int | None


KINDS: Final = (
    Kind("answered", 600, "talk", "answer", "completed", 200),
    Kind("busy", 100, "be-refused", "busy", "busy", 486),
    Kind("no answer", 80, "be-refused", "ring", "no-answer", 408),
    Kind("rejected", 80, "be-refused", "decline", "failed", 603),
    Kind("cancelled", 80, "give-up", "ring", "canceled", 487),
    Kind("callee gone", 30, "be-refused", "", "failed", 408),
    Kind("lost BYE", 30, "lose", "answer", "in-progress", 200),
)
# The first four digits of a number are the port of who answers it.
FIRST_PORT: Final = 5171


def main() -> int:
    """Place the calls, read the log, compare. 0 where all of it is right."""
    for program in ("kamailio", "sipp"):
        if shutil.which(program) is None:
            print(f"{program} is not installed; README.md says how", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="live-sip-") as folder:
        return _run(Path(folder))


def _run(folder: Path) -> int:
    port, secret = _free_port(), secrets.token_hex(16)
    environment = {
        **os.environ,
        "CALLTALLY_DATABASE_URL": f"sqlite:///{folder}/line.db",
        "CALLTALLY_PORT": str(port),
    }
    key = _set_up(folder, environment, secret)
    config = _written(folder, port, secret)
    proxy = (
        "kamailio",
        "-DD",
        "-f",
        str(config),
        "-w",
        str(folder),
        "-Y",
        str(folder),
        "-P",
        f"{folder}/pid",
    )
    with (
        _running([*_CALLTALLY, "serve"], folder, environment, "serve"),
        _running(proxy, folder, environment, "kamailio"),
        _callees(folder, environment),
    ):
        _await_health(port)
        began = time.monotonic()
        asyncio.run(_make_calls(folder))
        took_s = time.monotonic() - began
        # The last of the timers, and what is on its way.
        time.sleep(SETTLES_S)
        calls = _listed(port, key)
    verified = subprocess.run([*_CALLTALLY, "verify"], cwd=folder, env=environment, check=False).returncode
    complaints = [line for line in (folder / "kamailio.log").read_text().splitlines() if "ERROR" in line]
    return _compare(calls, took_s, complaints, verified)


def _set_up(folder: Path, environment: Mapping[str, str], secret: str) -> str:
    def run(*arguments: str, reported: str = "") -> str:
        done = subprocess.run(
            [*_CALLTALLY, *arguments],
            cwd=folder,
            env=environment,
            input=reported,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    run("migrate")
    run("tenant", "add", TENANT)
    run("provider", "put", TENANT, "kamailio", reported=f"secret={secret}\n")
    return str(json.loads(run("key", "add", TENANT, "--scope", "calls:read", "--json"))["key"])


def _written(folder: Path, port: int, secret: str) -> Path:
    text = (HERE / "kamailio.cfg").read_text()
    for name, value in (("SIP_PORT", SIP_PORT), ("HTTP_PORT", port), ("SECRET", secret), ("TENANT", TENANT)):
        text = text.replace(name, str(value))
    config = folder / "kamailio.cfg"
    config.write_text(text)
    return config


@contextmanager
def _running(
    command: tuple[str, ...] | list[str], folder: Path, environment: Mapping[str, str], name: str
) -> Iterator[None]:
    """A program in the background, which is ended with its children and with nothing else."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def _callees(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A callee for each kind, on a port of its own; none for those who are gone."""
    with ExitStack() as stack:
        for at, kind in enumerate(KINDS):
            if kind.callee:
                command = _callee(kind, FIRST_PORT + at)
                stack.enter_context(_running(command, folder, environment, f"callee-{at}"))
        yield


def _callee(kind: Kind, port: int) -> list[str]:
    return ["sipp", "-sf", f"{HERE}/scenarios/{kind.callee}.xml", "-i", HOST, "-p", str(port), *_QUIET]


_QUIET: Final = ("-nostdin", "-max_socket", "1000", "-skip_rlimit")


async def _make_calls(folder: Path) -> None:
    """All kinds at the same time, 40 calls a second in all."""
    await asyncio.gather(*[_call(folder, at, kind) for at, kind in enumerate(KINDS)])


async def _call(folder: Path, at: int, kind: Kind) -> None:
    rate = max(kind.calls // 15, 1)
    command = [
        *("sipp", f"{HOST}:{SIP_PORT}", "-sf", f"{HERE}/scenarios/{kind.caller}.xml", "-i", HOST),
        *("-p", str(FIRST_PORT + 100 + at), "-s", f"{FIRST_PORT + at}{at}", "-m", str(kind.calls)),
        *("-r", str(rate), "-l", "400", "-timeout", f"{LONGEST_S}s", *_QUIET),
    ]
    with (folder / f"caller-{at}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder
        )
        code = await process.wait()
    print(f"placed {kind.calls} {kind.name}" + (f" (sipp ended with {code})" if code else ""), flush=True)


def _await_health(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        with suppress(OSError):
            urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2)
            return
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not begin")
        time.sleep(0.1)


def _requested(port: int, key: str, query: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://{HOST}:{port}/api/v1/call-logs?{query}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _listed(port: int, key: str) -> list[dict[str, Any]]:
    """All calls; those that are open are asked for by the filter that finds them, too."""
    page = _requested(port, key, "limit=1000")
    still = _requested(port, key, "status=in-progress&limit=1000")
    open_ids = {call["id"] for call in page["data"] if call["status"] == "in-progress"}
    assert {call["id"] for call in still["data"]} == open_ids
    assert page["total"] == len(page["data"])
    return list(page["data"])


def _compare(calls: list[dict[str, Any]], took_s: float, complaints: list[str], verified: int) -> int:
    """Say for each kind how many are right; 0 where all are."""
    wrong = 0
    by_number: dict[str, list[dict[str, Any]]] = {}
    for call in calls:
        by_number.setdefault(call["to_number"], []).append(call)
    print(f"\n{'kind':<12} {'placed':>6} {'logged':>6} {'right':>6}  what the log says")
    for at, kind in enumerate(KINDS):
        found = by_number.pop(f"{FIRST_PORT + at}{at}", [])
        right = sum(_is_right(call, kind) for call in found)
        stated = Counter((call["status"], call["sip_code"]) for call in found)
        displayed = ", ".join(
            f"{count} {status} {code or ''}".strip() for (status, code), count in stated.items()
        )
        print(f"{kind.name:<12} {kind.calls:>6} {len(found):>6} {right:>6}  {displayed}")
        wrong += kind.calls - right + abs(len(found) - kind.calls)
    total = sum(kind.calls for kind in KINDS)
    print(
        f"\n{len(calls)} of {total} calls in {took_s:.0f} s; {wrong} wrong, {len(by_number)} unknown numbers,"
    )
    print(
        f"{len(complaints)} complaints of the proxy; the ledger was {'right' if verified == 0 else 'WRONG'}."
    )
    for line in complaints[:5]:
        print(line)
    return int(bool(wrong or by_number or verified))


def _is_right(call: Mapping[str, Any], kind: Kind) -> bool:
    """Status, code, times and talk, as far as the kind has them."""
    is_answered = kind.status in {"completed", "in-progress"}
    talk = call["duration_seconds"]
    is_talk_right = talk in {1, 2} if kind.status == "completed" else talk == (None if is_answered else 0)
    return (
        (call["status"], call["sip_code"]) == (kind.status, kind.sip_code)
        and (call["answered_at"] is not None) == is_answered
        and (call["ended_at"] is None) == (kind.status == "in-progress")
        and call["direction"] == "inbound"
        and call["conflicts"] == 0
        and is_talk_right
    )


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
