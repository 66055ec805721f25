"""Files of the documentation site, by their paths."""

from pathlib import Path

import pytest

from calltally.web.guide import site


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a site, beside a file that is not of it."""
    folder = tmp_path / "built"
    (folder / "how-to").mkdir(parents=True)
    (folder / "how-to" / "search.md").write_text("# Search\n")
    (tmp_path / "secret.key").write_text("secret")
    monkeypatch.setattr(site, "files", lambda _package: tmp_path)
    return folder


def test_a_file_is_read_by_its_path(built: Path) -> None:
    assert site.site_file("how-to/search.md") == b"# Search\n"
    assert not site.is_built()
    (built / site.INDEX).touch()
    assert site.is_built()


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../secret.key",
        "how-to",
        "how-to/../how-to/search.md",
        "how-to/../../secret.key",
        "/etc/passwd",
        "how-to//search.md",
        "how-to/search.md/",
        "how-to/search.md\0",
        "how-to/search.md/x",
        "missing.md",
        "x" * 300,
        "é" * 150,
    ],
)
def test_no_other_path_has_a_file(built: Path, path: str) -> None:
    assert built.is_dir()
    assert site.site_file(path) is None


def test_media_types_follow_the_ends_of_names() -> None:
    assert site.media_type("index.html") == b"text/html; charset=utf-8"
    assert site.media_type("how-to/search.md") == b"text/markdown; charset=utf-8"
    assert site.media_type("llms.txt") == b"text/plain; charset=utf-8"
    assert site.media_type("assets/LICENSE") == b"text/plain; charset=utf-8"


def test_names_with_a_digest_never_change() -> None:
    assert site.is_immutable("assets/javascripts/bundle.a5f9d56c.min.js")
    assert not site.is_immutable("search/search_index.json")
    assert not site.is_immutable("how-to/search.html")
