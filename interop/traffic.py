"""Tells a service of calls, and erases some, at a steady pace: a process beside the client that copies.

Started as `python -m interop.traffic` with one line of JSON on its standard input (see `Orders`); ends when
told to, after LONGEST_S, or at the first request that fails. What was answered is noted in two files, a line
an answer, for whoever has to know what the service had promised and when.
"""

import http.client
import json
import signal
import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any, Final, NamedTuple

from interop.service import ANSWER_S, HOST
from interop.window import (
    ERASURES_PER_S,
    FACTS_PER_S,
    LIST,
    TENANT,
    erasable,
    fact,
    is_new,
    is_of_erasable,
    seed_sid,
)

LONGEST_S: Final = 300
FACTS_FILE: Final = "facts.ndjson"
ERASURES_FILE: Final = "erasures.ndjson"
_BATCHES_PER_S: Final = 10
_BATCH: Final = FACTS_PER_S // _BATCHES_PER_S


class Orders(NamedTuple):
    """Destination, its keys, and the folder for the responses."""

    port: int
    key: str
    admin_key: str
    folder: str


# Sends the n-th request, and returns what is to be noted of its answer.
Send = Callable[["Line", int], dict[str, Any]]


class Line:
    """One connection that is kept open."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._connection = http.client.HTTPConnection(HOST, orders.port, timeout=ANSWER_S)

    def send_facts(self, number: int) -> dict[str, Any]:
        """The n-th batch of facts: how many, and the calls that they made, with their revisions."""
        events = [fact(each) for each in range(number * _BATCH, (number + 1) * _BATCH)]
        headers = {"authorization": f"Bearer {self._orders.key}", "content-type": "application/json"}
        outcomes = self._request("POST", "/api/v1/events", json.dumps(events), headers)["outcomes"]
        # Facts and erasures have paces of their own: where facts are late, a call may be erased before.
        refused = [
            each for each in outcomes if each["outcome"] == "refused" and not is_of_erasable(each["id"])
        ]
        if refused:
            raise RuntimeError(f"refused: {refused[0]}")
        made = [(each["call_id"], each["revision"]) for each in outcomes if is_new(each["id"])]
        return {"facts": len(events), "made": made}

    def erase(self, number: int) -> dict[str, Any]:
        """The n-th erasure: which seeded call it took."""
        seed = erasable(number)
        path = f"{LIST}/{seed_sid(seed)}?tenant={TENANT}"
        self._request("DELETE", path, None, {"x-admin-key": self._orders.admin_key})
        return {"seed": seed}

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Any:  # noqa: ANN401 (JSON)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:1000].decode()}")
        return json.loads(text) if text else None


class Pace(Thread):
    """Sends so many requests a second, each at its own moment; one that is late is made up for."""

    def __init__(self, send: Send, per_s: int, orders: Orders, file: str) -> None:
        super().__init__()
        self._send, self._per_s, self._orders = send, per_s, orders
        self._notes = Path(orders.folder) / file
        self.failure: Exception | None = None

    def run(self) -> None:
        """Until the end is called, or something fails, which is the end for all."""
        try:
            self._keep_sending()
        except (OSError, http.client.HTTPException, RuntimeError, ValueError, KeyError) as failure:
            self.failure = failure
            _the_end.set()

    def _keep_sending(self) -> None:
        line, started = Line(self._orders), monotonic()
        with self._notes.open("w", encoding="utf-8") as notes:
            for number in range(LONGEST_S * self._per_s):
                if _the_end.wait(max(0.0, started + number / self._per_s - monotonic())):
                    return
                began = monotonic()
                noted = self._send(line, number)
                notes.write(json.dumps({"began": began, "ended": monotonic(), **noted}) + "\n")
                notes.flush()


_the_end: Final = Event()


def main() -> int:
    """Returns the exit status: 1 if a request failed."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: _the_end.set())
    orders = Orders(**json.loads(sys.stdin.readline()))
    paces = [
        Pace(Line.send_facts, _BATCHES_PER_S, orders, FACTS_FILE),
        Pace(Line.erase, ERASURES_PER_S, orders, ERASURES_FILE),
    ]
    for pace in paces:
        pace.start()
    for pace in paces:
        pace.join()
        if pace.failure is not None:
            print(f"traffic: {pace.failure!r}", file=sys.stderr)
    return 1 if any(pace.failure for pace in paces) else 0


if __name__ == "__main__":
    sys.exit(main())
