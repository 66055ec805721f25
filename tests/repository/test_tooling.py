"""Promises of the repository about its lock files and its make targets."""

import json
import os
import re
import select
import subprocess
from pathlib import Path

import pytest

from interop.programs import running_program

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))
TARGETS = {
    "bench",
    "check",
    "clean",
    "dist",
    "docs",
    "faults",
    "format",
    "help",
    "interop",
    "lock",
    "ops",
    "pages",
    "run",
    "screenshots",
    "setup",
    "test",
    "test-long",
}

PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)(\[[a-z0-9,-]+\])?==(?P<version>[^\s;]+)( ; [^;]+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def requirements(lock: Path) -> list[tuple[str, list[str]]]:
    """Each requirement of a lock file with its options."""
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", "")
    return [
        (head.strip(), rest) for head, *rest in (re.split(r"\s+(?=--)", line) for line in joined.splitlines())
    ]


def pins(lock: Path) -> set[tuple[str, str]]:
    found = (PINNED.fullmatch(requirement) for requirement, _ in requirements(lock))
    return {(match["name"], match["version"]) for match in found if match}


@pytest.mark.parametrize(
    "lock", sorted(REPOSITORY.glob("[it]*/*/package-lock.json")), ids=lambda lock: lock.parent.name
)
def test_every_package_of_npm_is_pinned_by_its_hash_and_by_no_address(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    installed = [each for name, each in packages.items() if name]
    assert installed
    assert all(each["integrity"].startswith("sha512-") for each in installed)
    assert not any("resolved" in each for each in installed)


def test_the_locks_are_all_there() -> None:
    names = {lock.stem for lock in LOCKS}
    of_interop = {f"interop-{name}" for name in ("airbyte", "dlt", "schemathesis", "singer", "webhooks")}
    assert {"run", "dev", "docs", "bench", "libraries", *of_interop} <= names


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_and_hashed(lock: Path) -> None:
    listed = requirements(lock)
    # All of them are looked at, of a lock of one package too.
    assert len(listed) == len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), re.MULTILINE)) > 0
    for requirement, options in listed:
        assert PINNED.fullmatch(requirement), requirement
        assert options, requirement
        assert all(HASH.fullmatch(option) for option in options), requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_names_a_host_an_index_or_a_path(lock: Path) -> None:
    text = lock.read_text()
    assert text.startswith("# Made by `make lock` from pyproject.toml. Do not edit.\n")
    assert "://" not in text
    assert not re.search(r"^\s*(-[a-zA-Z]\b|--(?!hash=))", text, re.MULTILINE)
    assert not re.search(r"(^|[\s=])\.{0,2}/", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["dev", "docs", "bench"])
def test_what_is_added_to_an_environment_never_moves_a_package(name: str) -> None:
    folder = REPOSITORY / "requirements"
    assert pins(folder / "run.txt") <= pins(folder / f"{name}.txt")


def test_image_has_packages_of_the_same_versions() -> None:
    folder = REPOSITORY / "requirements"
    assert pins(folder / "server.txt") < pins(folder / "run.txt")


def test_the_help_of_make_lists_every_target() -> None:
    displayed = subprocess.run(
        ["make", "--no-print-directory", "help"],  # noqa: S607 (any make will do)
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    listed = set(re.findall(r"^  make ([a-z-]+) +\S", displayed, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert listed == TARGETS == set(phony[1].split())


def test_what_a_program_of_interop_started_ends_with_it(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    with running_program(["sh", "-c", "tail -f /dev/null > held & wait"], tmp_path / "log"):
        reading = os.open(held, os.O_RDONLY)
    assert select.select([reading], [], [], 30)[0], "somebody holds it still"
    assert os.read(reading, 1) == b""
    os.close(reading)
