"""Build the documentation site: `python -m tools.docs_site`, which `make docs` runs. Broken links fail."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from shutil import copy, copytree, rmtree
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from tools.docs_site.finish import finish
from tools.docs_site.llms import write_for_models
from tools.docs_site.source import ROOT, BrokenLinkError, write_source

BUILT: Final = ROOT / "src/calltally/web/guide/built"
_HERE: Final = Path(__file__).parent
_MARK: Final = ROOT / "src/calltally/web/dashboard/assets/mark.svg"


def build(out: Path, root: Path = ROOT) -> None:
    """Build the site of the repository at `root`, and put it whole into the folder `out`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        copy(_HERE / "mkdocs.yml", folder)
        copytree(_HERE / "theme", folder / "theme")
        write_source(folder / "docs", root)
        copy(_MARK, folder / "docs")
        _run_mkdocs(folder)
        config = yaml.safe_load((folder / "mkdocs.yml").read_text(encoding="utf-8"))
        write_for_models(config, folder / "docs", folder / "site")
        finish(folder / "site")
        _replace(out, folder / "site")


def _replace(out: Path, site: Path) -> None:
    """Put `site` where `out` is. A running service never finds half of a site."""
    new = out.with_name(f"{out.name}.new")
    rmtree(new, ignore_errors=True)
    copytree(site, new)
    rmtree(out, ignore_errors=True)
    new.rename(out)


def _run_mkdocs(folder: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The documentation site has faults:\n{done.stdout}{done.stderr}")


def main() -> None:
    """Build the site where the service serves it from, or into the folder of `--out`."""
    parser = ArgumentParser(prog="python -m tools.docs_site", description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILT, help="folder of the site; replaced whole")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    given = parser.parse_args()
    try:
        build(given.out.resolve(), given.root.resolve())
    except BrokenLinkError as fault:
        raise SystemExit(str(fault)) from fault


if __name__ == "__main__":
    main()
