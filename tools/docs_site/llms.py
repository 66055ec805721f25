"""The site for language models: `llms.txt` (llmstxt.org) lists the pages, `llms-full.txt` has their texts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

_TITLE: Final = re.compile(r"^# (.+)$", re.MULTILINE)
# The first text of a page that is no heading, code, list or table.
_PARAGRAPH: Final = re.compile(r"(?:^|\n\n)(?!```|[ #|>*-]|\d+\. )(?P<text>\S.*?)(?:\n\n|\n*\Z)", re.DOTALL)
_DECISION: Final = "\n## Decision\n\n"
# A shorter sentence says too little alone.
_MIN_CHARS: Final = 50
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_SENTENCE: Final = re.compile(r"(?<=[.:]) (?=[A-Z`])")


class PageEntry(NamedTuple):
    """One page of the navigation."""

    section: str
    path: str
    title: str
    description: str

    def __str__(self) -> str:
        return f"- [{self.title}]({self.path}): {self.description}"


def write_for_models(config: dict[str, Any], source: Path, site: Path) -> None:
    """Write the Markdown pages, `llms.txt` and `llms-full.txt` into `site`."""
    for page in source.rglob("*.md"):
        (site / page.relative_to(source)).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    entries = list(page_entries(config["nav"], source))
    lines = [f"# {config['site_name']}", "", f"> {config['site_description']}"]
    for section in dict.fromkeys(entry.section for entry in entries):
        lines += ["", f"## {section}", "", *(str(entry) for entry in entries if entry.section == section)]
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    texts = (source.joinpath(entry.path).read_text(encoding="utf-8") for entry in entries)
    (site / "llms-full.txt").write_text("\n\n".join(text.strip() for text in texts) + "\n", encoding="utf-8")


def page_entries(nav: list[Any], source: Path) -> Iterator[PageEntry]:
    """Yield the pages of the navigation in its order, under the names of its tabs."""
    for tab in nav:
        [(section, branch)] = tab.items()
        for path in _paths(branch):
            if path.endswith(".md"):
                yield _entry(section, path, source.joinpath(path).read_text(encoding="utf-8"))


def _paths(branch: Any) -> Iterator[str]:  # noqa: ANN401 (what YAML holds: a path, a list or a mapping)
    if isinstance(branch, str):
        yield branch
    for each in branch if isinstance(branch, list) else branch.values() if isinstance(branch, dict) else ():
        yield from _paths(each)


def _entry(section: str, path: str, text: str) -> PageEntry:
    title = _TITLE.search(text)
    return PageEntry(section, path, title[1] if title else path, description(text))


def description(text: str) -> str:
    """Return the first sentences of a page, or of the decision that it records; empty without a paragraph."""
    paragraph = _PARAGRAPH.search(text.partition(_DECISION)[2] or text)
    found = ""
    for sentence in (
        _SENTENCE.split(_LINK.sub(r"\1", " ".join(paragraph["text"].split()))) if paragraph else ()
    ):
        found = f"{found} {sentence}".strip()
        if len(found) >= _MIN_CHARS:
            break
    return f"{found[:-1]}." if found.endswith(":") else found
