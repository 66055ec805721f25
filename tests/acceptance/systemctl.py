"""As much of systemctl as the documents use, on the units of a folder that stands for a machine.

A service starts as its unit says, in its working folder. The machine's folder gets its log (`journal`) and
its process id (`pid`).
"""

import os
import shlex
import signal
import subprocess
import sys
from configparser import ConfigParser, SectionProxy
from pathlib import Path

REQUIRED = {".service": ("Service", "ExecStart"), ".timer": ("Timer", "OnCalendar")}


def main(words: list[str], machine: Path) -> int:
    """Run one command; returns its exit status."""
    command, *rest = [word for word in words if not word.startswith("--")]
    if command == "is-active":
        sys.stdout.write("active\n" if is_running(machine) else "inactive\n")
        return 0 if is_running(machine) else 3
    for name in rest if command != "reload" else ():
        unit = read_unit(machine, name)
        if command == "restart":
            stop(machine)
        if "Service" in unit:
            start(machine, unit["Service"])
    return 0


def read_unit(machine: Path, name: str) -> ConfigParser:
    path = machine / "etc" / "systemd" / "system" / (name if "." in name else f"{name}.service")
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # the names of options keep their case
    unit.read_string(path.read_text())
    section, option = REQUIRED[path.suffix]
    assert unit[section][option]
    return unit


def start(machine: Path, service: SectionProxy) -> None:
    assert service["User"] == "calltally"
    command, folder = shlex.split(service["ExecStart"]), service["WorkingDirectory"]
    if service.get("Type") == "oneshot":
        subprocess.run(command, cwd=folder, check=True)
        return
    with (machine / "journal").open("ab") as journal:
        process = subprocess.Popen(
            command, cwd=folder, stdout=journal, stderr=journal, start_new_session=True
        )
    (machine / "pid").write_text(str(process.pid))


def stop(machine: Path) -> None:
    """End the service, if it runs, and wait for its end."""
    if (machine / "pid").exists():
        pid = (machine / "pid").read_text()
        os.kill(int(pid), signal.SIGTERM)
        waiting = ["tail", "--pid", pid, "-f", os.devnull]
        subprocess.run(waiting, check=True, timeout=30)
        (machine / "pid").unlink()


def is_running(machine: Path) -> bool:
    return (machine / "pid").exists() and Path("/proc", (machine / "pid").read_text()).exists()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["MACHINE"])))
