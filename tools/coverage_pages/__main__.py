"""Writes the coverage pages and the lists of known fields. Run as `python -m tools.coverage_pages`."""

from pathlib import Path
from typing import Final

from calltally.providers.registry import PROVIDERS
from tools.coverage_pages.page import listed_fields, page_of

ROOT: Final = Path(__file__).parents[2]


def files() -> dict[Path, str]:
    """Return the text of every generated file, by its path from the root."""
    texts = {}
    for name, provider in PROVIDERS.items():
        # The fields of a generic provider are those of its tenant's mapping.
        if name != "generic":
            texts[Path("docs/reference/providers", f"{name}.md")] = page_of(provider)
            texts[Path("src/calltally/providers", name, "fields.txt")] = (
                "\n".join(listed_fields(provider)) + "\n"
            )
    return texts


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
