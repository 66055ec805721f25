"""The documentation site as the service serves it."""

from pathlib import Path

import pytest

from calltally.web.guide import site
from tests.integration.web.service import Service, slug

PAGE = "<!doctype html><title>Search</title>"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "built"
    (folder / "how-to").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Calltally</title>")
    (folder / "how-to" / "search.html").write_text(PAGE)
    (folder / "how-to" / "search.md").write_text("# Search\n")
    (folder / "llms.txt").write_text("# Calltally\n")
    (folder / "bundle.a5f9d56c.min.js").write_text("run()")
    monkeypatch.setattr(site, "files", lambda _package: tmp_path)
    return folder


def test_pages_are_served_with_a_strict_policy(service: Service, built: Path) -> None:
    assert built.is_dir()
    page = service.get("/docs/guide/how-to/search.html?h=word", {"accept": "text/html"})
    assert (page.status_code, page.text) == (200, PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;")
    assert page.headers["x-content-type-options"] == "nosniff"


def test_first_page_has_a_path_with_a_slash(service: Service, built: Path) -> None:
    assert built.is_dir()
    first = service.get("/docs/guide/")
    assert "<title>Calltally</title>" in first.text
    moved = service.get("/docs/guide")
    assert (moved.status_code, moved.headers["location"]) == (303, "/docs/guide/")


@pytest.mark.parametrize(
    ("name", "media_type"), [("how-to/search.md", "text/markdown"), ("llms.txt", "text/plain")]
)
def test_pages_are_served_as_text(service: Service, built: Path, name: str, media_type: str) -> None:
    answer = service.get(f"/docs/guide/{name}", {})
    assert answer.text == (built / name).read_text()
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


def test_an_unchanged_page_is_not_sent_again(service: Service, built: Path) -> None:
    path = "/docs/guide/how-to/search.html"
    tag = service.get(path).headers["etag"]
    again = service.get(path, {"if-none-match": tag})
    assert (again.status_code, again.text, again.headers["etag"]) == (304, "", tag)
    (built / "how-to" / "search.html").write_text("new")
    assert service.get(path, {"if-none-match": tag}).text == "new"


def test_only_names_with_a_digest_are_immutable(service: Service, built: Path) -> None:
    assert built.is_dir()
    assert "immutable" in service.get("/docs/guide/bundle.a5f9d56c.min.js").headers["cache-control"]
    assert "no-cache" in service.get("/docs/guide/how-to/search.html").headers["cache-control"]


def test_unknown_page_is_not_found(service: Service, built: Path) -> None:
    assert built.is_dir()
    answer = service.get("/docs/guide/how-to/fly.html")
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert "no such page" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/docs/guide/", "/docs/guide/llms.txt"])
def test_service_without_the_site_explains_how_to_build_it(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(site, "files", lambda _package: tmp_path)
    answer = service.get(path)
    assert (answer.status_code, slug(answer)) == (404, "not-found")
    assert "make docs" in answer.json()["detail"]
    assert "make docs" in service.get(path, {"accept": "text/html"}).text
