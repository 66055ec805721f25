"""Podman with a storage, networks and a configuration of its own, within the limits of this machine."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Final

from interop.service import Failed

REPOSITORY: Final = Path(__file__).resolve().parents[2]
BASE: Final = "localhost/ops-base"
# Packages of a base like python:3-slim, and certificates for outgoing requests.
_PACKAGES: Final = "python3,python3-venv,ca-certificates"
_STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
# runc: crun refuses machines whose cgroups are of both versions.
_ENGINE: Final = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "{folder}/networks"
"""
# Layers are copied several times, which takes minutes on a busy disk.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 (`mkdtemp` makes a folder of its own in it)
_STORAGE_BYTES: Final = 6_000_000_000
# What a pip.conf says about the package index. The rest concerns this machine alone.
_PIP_SETTINGS: Final = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "cert")


@dataclass(frozen=True)
class Engine:
    """Commands of podman, and the environment that keeps them to a folder."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, timeout_s: int = 1200) -> str:
        """Return what a command of podman prints. Raises Failed."""
        return self.command("podman", *arguments, timeout_s=timeout_s)

    def command(self, *command: str, timeout_s: int = 1200, env: Mapping[str, str] | None = None) -> str:
        """Return what a command prints. Raises Failed with the end of its errors."""
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        if done.returncode:
            raise Failed(f"{' '.join(command[:6])} ended with {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def image_megabytes(self, image: str) -> int:
        return int(self.run("image", "inspect", "--format", "{{.Size}}", image)) // 1_000_000


@contextmanager
def engine() -> Iterator[Engine]:
    """Podman for as long as the block runs. Its containers, images and networks go with it."""
    in_memory = _MEMORY.is_dir() and disk_usage(_MEMORY).free > _STORAGE_BYTES
    folder = Path(tempfile.mkdtemp(prefix="calltally-ops-", dir=_MEMORY if in_memory else None))
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    for name, text in (("storage.conf", _STORAGE), ("containers.conf", _ENGINE)):
        written = text.format(folder=folder, files=files, processes=processes)
        (folder / name).write_text(written, encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")},
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
    }
    made = Engine(folder, environment)
    try:
        yield made
    finally:
        for kind in (("rm", "--all", "--force", "--time", "5"), ("network", "prune", "--force")):
            with suppress(Failed):
                made.run(*kind)
        rmtree(folder, ignore_errors=True)


def make_base(podman: Engine) -> None:
    """Make the base image from Debian's packages, of the release of this machine."""
    release = dict(
        line.split("=", 1)
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        if line
    )["VERSION_CODENAME"]
    archive = podman.folder / "base.tar"
    command = ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={_PACKAGES}", release, str(archive))
    podman.command(*command)
    podman.run("import", "--quiet", str(archive), BASE)
    archive.unlink()


def build_options(podman: Engine) -> Sequence[str]:
    """Return options of `podman build` for the base, the package index and the limits of this machine."""
    return [
        *("--quiet", "--build-arg", f"BASE={BASE}", "--isolation", "chroot", "--network", "host"),
        *_package_index(podman),
    ]


def _package_index(podman: Engine) -> Sequence[str]:
    """Return the options that lend the build the pip configuration of this machine."""
    listed = podman.command("python3", "-m", "pip", "config", "list").splitlines()
    settings = {}
    for line in listed:
        name, _, value = line.partition("=")
        # The environment is listed last, and has precedence.
        settings[name.rpartition(".")[2]] = value.strip().strip("'")
    configuration = podman.folder / "pip.conf"
    lines = [f"{name} = {settings[name]}" for name in _PIP_SETTINGS if name in settings]
    configuration.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    options = ["--secret", f"id=pip,src={configuration}"]
    if certificates := settings.get("cert"):
        options += ["--volume", f"{certificates}:{certificates}:ro"]
    return options
