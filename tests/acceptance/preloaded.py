"""Commands as forks of one process that has loaded their modules: a start costs 20 ms instead of 400.

The server forks once per request. A command gets the arguments, folder, environment and standard files of
its client. Run as a script, this file is a client; it needs the standard library alone, to start at once.
"""

import atexit
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

ROOT = Path(__file__).resolve().parents[2]
_ENDS_WITHIN_S = 60
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class PreloadedCommands:
    """A running server. It ends when it is closed, and with the process that started it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.path = str(folder / "commands.sock")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.preloaded", "--serve", self.path],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        # It prints a line once it listens.
        assert self._process.stdout.readline()

    def close(self) -> None:
        self._process.communicate(timeout=_ENDS_WITHIN_S)


class Command(NamedTuple):
    """Arguments of a command, its folder and its environment."""

    words: Sequence[str]
    folder: str
    variables: Mapping[str, str]


def run(
    path: str,
    command: Command,
    files: Sequence[int],
    *,
    timeout_s: float | None = None,
    on_start: Callable[[int], None] = lambda _pid: None,
) -> int:
    """Run a command with these standard files; return its exit code. `on_start` gets its process id."""
    request = json.dumps([list(command.words), command.folder, dict(command.variables)]).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(path)
        socket.send_fds(connection, [len(request).to_bytes(4, "big")], list(files))
        connection.sendall(request)
        with connection.makefile("r") as answers:
            on_start(int(answers.readline()))
            return int(answers.readline() or "1")


# ------------------------------------------------------------------------------------------------ server


def serve(path: str) -> None:
    """Fork a command per request until standard input ends. Returns in the server alone."""
    from importlib import import_module  # deferred: a client needs none of this

    from calltally.cli.main import Subcommands  # deferred: the same
    from calltally.store.db.statements import load  # deferred: the same

    for location in Subcommands.locations.values():
        import_module(location.partition(":")[0])
    for dialect in ("sqlite", "postgres"):
        load(dialect)
    # No collection of a fork copies the pages of what is loaded here.
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as selector:
        listening.bind(path)
        listening.listen(64)
        print("listening", flush=True)  # noqa: T201 (the one line that its parent waits for)
        _Loop(listening, selector).run()


class _Loop:
    """Accepts requests, forks commands and reports how they end."""

    def __init__(self, listening: socket.socket, selector: selectors.DefaultSelector) -> None:
        self._listening = listening
        self._selector = selector
        self._running: dict[int, socket.socket] = {}
        self._woken, waking = socket.socketpair()
        waking.setblocking(False)  # noqa: FBT003 (takes it by position only)
        self._waking = waking
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for file in (listening, self._woken, sys.stdin):
            selector.register(file, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            if sys.stdin in ready:
                return
            if self._woken in ready:
                self._woken.recv(4096)
                self._report_ended()
            for connection in [each for each in self._running.values() if each in ready]:
                # The client is gone.
                self._selector.unregister(connection)
                self._kill(connection)
            if self._listening in ready:
                self._start(self._listening.accept()[0])

    def _start(self, connection: socket.socket) -> None:
        head, files, _, _ = socket.recv_fds(connection, 4, 3)
        with connection.makefile("rb") as sent:
            request = json.loads(sent.read(int.from_bytes(head, "big")))
        pid = os.fork()
        if pid == 0:
            self._become(connection, files, *request)
        for file in files:
            os.close(file)
        connection.sendall(f"{pid}\n".encode())
        self._running[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ)

    def _become(
        self,
        connection: socket.socket,
        files: list[int],
        words: list[str],
        folder: str,
        variables: dict[str, str],
    ) -> NoReturn:
        import calltally  # deferred: a client needs none of this
        from calltally.cli.main import main  # deferred: the same

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for inherited in (connection, *self._running.values(), self._listening, self._woken, self._waking):
            inherited.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        time.tzset()
        # Usage lines name the program as after `python -m calltally`.
        sys.modules["__main__"].__package__ = "calltally"
        sys.argv = [str(Path(calltally.__file__).with_name("__main__.py")), *words]
        _exit_at_once(main)

    def _report_ended(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                connection = self._running.pop(ended[0])
                with suppress(KeyError):
                    self._selector.unregister(connection)
                with suppress(OSError):
                    connection.sendall(f"{os.waitstatus_to_exitcode(ended[1])}\n".encode())
                connection.close()

    def _kill(self, gone: socket.socket) -> None:
        for pid, connection in self._running.items():
            if connection is gone:
                os.kill(pid, signal.SIGKILL)


def _exit_at_once(main: Callable[[], None]) -> NoReturn:
    """Run a command and end the process. Tearing all loaded modules down takes longer than most commands."""
    try:
        main()
        code: object = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 (printed, as the interpreter does)
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)  # noqa: T201 (as the interpreter does)
    # As the interpreter ends: its threads first, then the functions at exit.
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _pass_signals_on(pid: int) -> None:
    for number in _SIGNALS:
        signal.signal(number, lambda number, _frame: os.kill(pid, number))


def _main(words: list[str]) -> int:
    if words[0] == "--serve":
        serve(words[1])
        return 0
    path, *command = words
    return run(path, Command(command, os.getcwd(), os.environ), (0, 1, 2), on_start=_pass_signals_on)  # noqa: PTH109


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
