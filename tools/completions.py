"""Shell completion files of the wheel: `python -m tools.completions`, which `make pages` runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from typer._completion_shared import get_completion_script

ROOT: Final = Path(__file__).parents[1]
# Where each shell looks for them below the prefix of an installation.
FILES: Final[Mapping[str, str]] = {
    "bash": "completions/share/bash-completion/completions/calltally",
    "fish": "completions/share/fish/vendor_completions.d/calltally.fish",
    "zsh": "completions/share/zsh/site-functions/_calltally",
}


def script(shell: str) -> str:
    """Return the script that `calltally --show-completion` prints in that shell."""
    text = get_completion_script(prog_name="calltally", complete_var="_CALLTALLY_COMPLETE", shell=shell)
    return f"{text}\n"


def main() -> None:
    for shell, name in FILES.items():
        file = ROOT / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script(shell), encoding="utf-8")


if __name__ == "__main__":
    main()
