"""Writes the pages of fields and the lists of known fields. Run as `python -m tools.coverage_pages`."""

from pathlib import Path
from typing import Final

from calltally.providers.registry import PROVIDERS
from tools.coverage_pages.call_fields import call_fields_page
from tools.coverage_pages.page import listed_fields, page_of, tables_of

ROOT: Final = Path(__file__).parents[2]


def files() -> dict[Path, str]:
    """Return the text of every generated file, by its path from the root."""
    # The fields of a generic provider are those of its tenant's mapping.
    providers = [provider for name, provider in PROVIDERS.items() if name != "generic"]
    tables = {provider.name: tables_of(provider) for provider in providers}
    texts = {Path("docs/reference/call-fields.md"): call_fields_page(tables, providers)}
    for provider in providers:
        name = provider.name
        texts[Path("docs/reference/providers", f"{name}.md")] = page_of(provider, tables[name])
        texts[Path("src/calltally/providers", name, "fields.txt")] = (
            "\n".join(listed_fields(provider, tables[name])) + "\n"
        )
    return texts


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
