"""Build backend of the package: flit_core's, except that an incomplete wheel or sdist is an error.

The repository has neither the libraries of the pages nor the documentation site. Without this check, a build
from a fresh clone would be a package whose pages have no charts and whose /docs are empty.
"""

import sys
from pathlib import Path
from typing import Any, Final

from flit_core.buildapi import (
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from flit_core.buildapi import build_sdist as _build_sdist
from flit_core.buildapi import build_wheel as _build_wheel

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_WEB: Final = "src/calltally/web"
# One file of each part that is made, not committed. Every part is written whole or not at all.
MADE_PARTS: Final = {
    "the charts": f"{_WEB}/dashboard/built/chart.js",
    "the API reference": f"{_WEB}/dashboard/built/swagger-ui-bundle.js",
    "the documentation": f"{_WEB}/guide/built/index.html",
}


def build_wheel(
    wheel_directory: str, config_settings: dict[str, Any] | None = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel and return its file name. Exits with the remedy if a part is missing."""
    _check_parts()
    return str(_build_wheel(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: dict[str, Any] | None = None) -> str:
    """Build an sdist and return its file name. Exits with the remedy if a part is missing."""
    _check_parts()
    return str(_build_sdist(sdist_directory, config_settings))


def _check_parts() -> None:
    missing = [name for name, file in MADE_PARTS.items() if not Path(file).is_file()]
    if missing:
        sys.exit(
            f"The package would lack {' and '.join(missing)}. Run `make dist`: it makes them, and builds the"
            " wheel and the sdist into dist/. For development, `make setup` installs without a wheel."
        )


def main() -> None:
    """Build both into the folder of the only argument."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for build in (build_sdist, build_wheel):
        file = folder / build(str(folder))
        # flit_core leaves a wheel that only its owner can read, and an image or a service has another user.
        file.chmod(0o644)
        print(file)


if __name__ == "__main__":
    main()
