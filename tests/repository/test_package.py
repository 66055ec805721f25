"""A build from a clone is whole, or fails with the make target that makes the rest. Versions agree."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from calltally import __version__
from tools.completions import FILES, ROOT, script
from tools.package_build import MADE_PARTS

CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, check=False, capture_output=True, text=True, timeout=120)


def build_by_pip(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Build a wheel as pip does, with the installed flit_core, so that nothing is downloaded."""
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    return run(sys.executable, "-m", "pip", "wheel", *options, f"--wheel-dir={out}", str(source), cwd=source)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone with the uncommitted state of the build's own files."""
    assert run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), "clone", cwd=tmp_path).returncode == 0
    for name in ("pyproject.toml", "tools/package_build.py"):
        shutil.copy(ROOT / name, tmp_path / "clone" / name)
    return tmp_path / "clone"


def make_parts(clone: Path) -> None:
    """Make stand-ins of the parts; `make interop` builds a package with the real ones."""
    for name in MADE_PARTS.values():
        file = clone / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{name}\n")


def test_fresh_clone_names_the_target_that_makes_the_rest(clone: Path, tmp_path: Path) -> None:
    built = build_by_pip(clone, tmp_path)
    assert built.returncode != 0
    sentence = (
        "The package would lack the charts and the API reference and the documentation."
        " Run `make dist`: it makes them, and builds the wheel and the sdist into dist/."
    )
    assert sentence in built.stdout + built.stderr
    assert list(tmp_path.glob("*.whl")) == []
    sdist = run(sys.executable, "-m", "tools.package_build", "dist", cwd=clone)
    assert sdist.returncode == 1
    assert sdist.stderr.startswith(sentence)


def test_wheel_of_an_sdist_has_every_file(clone: Path, tmp_path: Path) -> None:
    make_parts(clone)
    assert run(sys.executable, "-m", "tools.package_build", "dist", cwd=clone).returncode == 0
    name = f"calltally-{__version__}"
    with tarfile.open(clone / "dist" / f"{name}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    built = build_by_pip(tmp_path / name, tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    source = run("git", "ls-files", "src/calltally", cwd=clone).stdout.split()
    expected = {each.removeprefix("src/") for each in (*source, *MADE_PARTS.values())}
    scripts = {each.replace("completions/", f"{name}.data/data/", 1) for each in FILES.values()}
    assert {"calltally/py.typed"} < expected
    assert packed == set(zipfile.ZipFile(clone / "dist" / wheel.name).namelist())
    assert expected | scripts <= packed


@pytest.mark.parametrize("shell", FILES)
def test_completion_files_are_what_the_command_prints(shell: str) -> None:
    assert (ROOT / FILES[shell]).read_text(encoding="utf-8") == script(shell), "run `make pages`"


def test_version_has_its_section_of_the_changelog_and_is_the_newest_tag() -> None:
    sections = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", CHANGELOG, re.MULTILINE)
    assert sections[0] == __version__
    assert PYPROJECT["project"]["dynamic"] == ["version"]
    tags = run("git", "tag", "--list", "v*", cwd=ROOT).stdout.split()
    assert set(tags) <= {f"v{each}" for each in sections}
    at_head = run("git", "tag", "--points-at", "HEAD", "--list", "v*", cwd=ROOT).stdout.split()
    assert at_head in ([], [f"v{__version__}"])


def test_addresses_of_the_project_are_of_no_example_host() -> None:
    """None is stated before the project has a public one."""
    addresses = PYPROJECT["project"].get("urls", {}).values()
    assert not re.search(r"example|localhost|\.invalid|\.test", " ".join(addresses))
