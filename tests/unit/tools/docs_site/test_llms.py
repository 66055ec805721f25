"""Titles and descriptions of pages for language models."""

from pathlib import Path

from tools.docs_site.llms import description, page_entries

PAGE = """\
# Get alerts

```sh
calltally serve
```

Calltally raises an alert within [minutes](x.md) when a route is no longer answered. It links
to the calls.
"""


def test_description_is_the_first_sentence_of_the_text() -> None:
    expected = "Calltally raises an alert within minutes when a route is no longer answered."
    assert description(PAGE) == expected


def test_short_sentence_is_followed_by_the_next() -> None:
    assert description(
        "# A\n\nOctober is over. Before you bill it, check that no call of it is open. Then x."
    ) == ("October is over. Before you bill it, check that no call of it is open.")


def test_description_of_a_decision_is_what_was_decided() -> None:
    assert description("# 1. A\n\n## Context\n\nMuch.\n\n## Decision\n\nOne process serves a file:\n") == (
        "One process serves a file."
    )


def test_page_without_text_has_no_description() -> None:
    assert description("# A\n\n| a | b |\n| --- | --- |\n") == ""


def test_pages_are_listed_in_the_order_of_the_navigation(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(f"# Page {name}\n\nText of this page.\n")
    nav = [{"Home": "b.md"}, {"Guides": [{"Group": ["c.md", {"Named": "a.md"}]}]}, {"API": "/docs"}]
    assert [str(entry) for entry in page_entries(nav, tmp_path)] == [
        f"- [Page {name}]({name}): Text of this page." for name in ("b.md", "c.md", "a.md")
    ]
    assert [entry.section for entry in page_entries(nav, tmp_path)] == ["Home", "Guides", "Guides"]
