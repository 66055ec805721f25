"""Waits during a migration, of a writer like the ledger and of a reader like a list."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import sqlalchemy
from sqlalchemy import text

# Often enough to see each wait, seldom enough not to be what takes the time.
_PAUSE_S: Final = 0.005
_WRITE: Final = {
    "sqlite": ("BEGIN IMMEDIATE", "SELECT revision FROM ledger_heads WHERE tenant = 'probe'"),
    "postgresql": ("BEGIN", "SELECT revision FROM ledger_heads WHERE tenant = 'probe' FOR UPDATE"),
}
_FACT: Final = text(
    "INSERT INTO facts (tenant, node, key, received_us, outcome, repeats, content, raw)"
    " VALUES ('probe', :key, :key, 0, 'applied', 0, :key, :key)"
)
_READ: Final = (
    "SELECT revision FROM ledger_heads WHERE tenant = 'probe'",
    "SELECT record FROM calls WHERE tenant = 'big' ORDER BY created_us DESC, id DESC LIMIT 25",
    "SELECT valid_to FROM call_versions WHERE tenant = 'big' LIMIT 25",
    "SELECT reason FROM facts WHERE tenant = 'big' LIMIT 25",
)


class Waited(NamedTuple):
    """How often somebody came through, and the longest that it took once, in seconds."""

    times: int
    longest_s: float


class Probe(threading.Thread):
    """Asks over and over until it is told to stop."""

    def __init__(self, engine: sqlalchemy.Engine, *, writes: bool) -> None:
        super().__init__(daemon=True)
        self._engine = engine
        self._writes = writes
        self._ended = threading.Event()
        self.waited = Waited(0, 0.0)

    def run(self) -> None:
        """Each turn is a transaction of its own, timed from before it begins."""
        with self._engine.connect() as connection:
            while not self._ended.wait(_PAUSE_S):
                began = time.perf_counter()
                self._write(connection) if self._writes else self._read(connection)
                took_s = time.perf_counter() - began
                self.waited = Waited(self.waited.times + 1, max(self.waited.longest_s, took_s))

    def _write(self, connection: sqlalchemy.Connection) -> None:
        begin, lock = _WRITE[connection.dialect.name]
        connection.exec_driver_sql(begin)
        connection.exec_driver_sql(lock)
        connection.execute(_FACT, {"key": self.waited.times.to_bytes(16, "big")})
        connection.exec_driver_sql("UPDATE ledger_heads SET revision = revision + 1 WHERE tenant = 'probe'")
        connection.exec_driver_sql("COMMIT")

    def _read(self, connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN")
        for query in _READ:
            connection.exec_driver_sql(query).all()
        connection.exec_driver_sql("COMMIT")

    def end(self) -> None:
        """Let it finish its turn."""
        self._ended.set()
        self.join()


@contextmanager
def waiting(engine: sqlalchemy.Engine) -> Iterator[tuple[Probe, Probe]]:
    """One that writes and one that reads, for as long as something else goes on."""
    probes = Probe(engine, writes=True), Probe(engine, writes=False)
    for probe in probes:
        probe.start()
    try:
        yield probes
    finally:
        for probe in probes:
            probe.end()
