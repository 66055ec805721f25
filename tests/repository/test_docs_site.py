"""The documentation site is built from the repository, needs no other server, and has no broken link."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from shutil import copy, copytree
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt

from calltally.web.openapi.routes import problems_page
from tests.acceptance.pages import ROOT
from tests.unmeasured import unmeasured
from tools.docs_site.source import ROOT_PAGES, site_pages

TAGS = ("blockquote", "h2", "h3", "li", "ol", "pre", "table", "td", "tr", "ul")
LOADED = re.compile(r'<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="?([^">\s]+)')
LINKED = re.compile(r'<a\b[^>]*?\bhref="?([^">\s]+)')
MODEL_LINK = re.compile(r"^- \[[^\]]+\]\(([^)]+)\): \S.*\.$", re.MULTILINE)


def build(out: Path, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.docs_site", "--out", str(out), "--root", str(root)]
    return subprocess.run(
        command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "built"
    done = build(out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return out


def test_the_site_has_every_page_and_needs_no_other_server(built: Path) -> None:
    for path in site_pages().values():
        assert (built / path).read_text().startswith("# ")
        check_page(built, (built / path).with_suffix(".html"))
    check_lists_for_models(built)
    check_links_of_problems(built)
    licence = (built / "assets" / "LICENSE").read_text()
    assert "Permission is hereby granted" in licence
    assert not list(built.rglob("*.map"))


def check_page(built: Path, page: Path) -> None:
    """Check that a page loads and links only what is there, and has no script or style of its own."""
    html = page.read_text()
    assert re.findall(r"<script>|<style|\sstyle=|\son\w+=", html) == []
    # A reader of the screen hears the header before each cell.
    assert re.findall(r"<th[^>]*></th>", html) == [], page
    for target in LOADED.findall(html):
        assert (page.parent / unquote(urlsplit(unescape(target)).path)).is_file(), (page, target)
        assert not urlsplit(target).scheme, (page, target)
    for target in LINKED.findall(html):
        url = urlsplit(unescape(target))
        if not url.scheme and not url.path.startswith("/") and url.path:
            assert (page.parent / unquote(url.path)).resolve().relative_to(built).parts, (page, target)
            assert (page.parent / unquote(url.path)).is_file(), (page, target)


def check_links_of_problems(built: Path) -> None:
    """Check that the page of problems links to pages and headings of the guide."""
    links = re.findall(r'href="/docs/guide/([^"#]+)(?:#([^"]+))?"', problems_page())
    assert len(links) > 5
    for path, anchor in links:
        html = (built / path).read_text()
        assert not anchor or f'id="{anchor}"' in html, (path, anchor)


def check_lists_for_models(built: Path) -> None:
    text = (built / "llms.txt").read_text()
    assert text.startswith("# Calltally\n\n> ")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections == ["Home", "Tutorials", "How-to guides", "Reference", "Explanation"]
    linked = MODEL_LINK.findall(text)
    assert sorted(linked) == sorted(site_pages().values())
    assert len(linked) == text.count("\n- ")
    full = (built / "llms-full.txt").read_text()
    assert all((built / path).read_text().strip() in full for path in linked)


def test_pages_have_the_structure_that_code_hosts_show(built: Path) -> None:
    hosts = MarkdownIt("commonmark").enable("table")
    for page, path in site_pages().items():
        html = (built / path).with_suffix(".html").read_text()
        article = html.partition("<article")[2].partition("</article>")[0]
        assert counts(article) == counts(hosts.render(page.read_text())), page


def counts(html: str) -> dict[str, int]:
    return {tag: len(re.findall(rf"<{tag}[ >]", html)) for tag in TAGS}


def test_the_navigation_names_the_decisions_in_their_order() -> None:
    text = (ROOT / "tools/docs_site/mkdocs.yml").read_text()
    listed = re.findall(r"decisions/(\d{4}\S+\.md)", text)
    assert listed == sorted(page.name for page in (ROOT / "docs/decisions").glob("0*.md"))
    assert yaml.safe_load(text)["theme"]["font"] is False


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of what the site is made from."""
    root = tmp_path / "copy"
    copytree(ROOT / "docs", root / "docs")
    for name in (*ROOT_PAGES, "interop/browser/README.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, root / name)
    return root


def test_broken_anchors_and_pages_without_a_link_fail(copied: Path, tmp_path: Path) -> None:
    (copied / "docs/how-to/fly.md").write_text("# Fly\n\nFly [home](../README.md#no-such-heading).\n")
    done = build(tmp_path / "built", copied)
    assert done.returncode == 1
    for fault in ("how-to/fly.md", "not included in the", "#no-such-heading"):
        assert fault in done.stderr
    assert not (tmp_path / "built").exists()


def test_a_broken_link_fails(copied: Path, tmp_path: Path) -> None:
    with (copied / "CONTRIBUTING.md").open("a") as page:
        page.write("\nSee [there](docs/nowhere.md).\n")
    done = build(tmp_path / "built", copied)
    assert done.returncode == 1
    assert "CONTRIBUTING.md links to" in done.stderr
