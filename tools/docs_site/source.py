"""The Markdown of the site: the pages of docs/ and of the root, with links that resolve inside the site."""

import re
from collections.abc import Iterator
from os.path import relpath
from pathlib import Path, PurePosixPath
from shutil import copyfile
from typing import Final

ROOT: Final = Path(__file__).parents[2]
# Pages of the root, by their path in the site.
ROOT_PAGES: Final = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_FENCE: Final = re.compile(r"^(?P<mark>```+)(?P<info>[^\n`]*)\n.*?^(?P=mark)$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?P<text>\[[^\]]*\]\()(?P<target>[^)\s#]+)(?P<rest>(?:#[^)\s]*)?\))")


_COMMENT: Final = re.compile(r"^<!--.*?-->\n*", re.MULTILINE | re.DOTALL)


class BrokenLinkError(ValueError):
    """Link to a file that the repository does not have."""


def write_source(folder: Path, root: Path = ROOT) -> None:
    """Write every page of the repository at `root`, and every file that a page links to, into `folder`."""
    pages = site_pages(root)
    for page in pages:
        text, files = _resolved(page, pages, root)
        _parent_of(folder / pages[page]).write_text(text, encoding="utf-8")
        for file, path in files.items():
            copyfile(file, _parent_of(folder / path))


def site_pages(root: Path = ROOT) -> dict[Path, str]:
    """Return the path in the site of each Markdown file. A README becomes the index of its folder."""
    found = {
        page: page.relative_to(root / "docs").as_posix().replace("README.md", "index.md")
        for page in sorted((root / "docs").rglob("*.md"))
    }
    return found | {root / name: path for name, path in ROOT_PAGES.items()}


def _resolved(page: Path, pages: dict[Path, str], root: Path) -> tuple[str, dict[Path, str]]:
    """Return the text of a page for the site, and the paths of the files that it links to."""
    files: dict[Path, str] = {}

    def resolve(link: re.Match[str]) -> str:
        target = link["target"]
        if "://" in target or target.startswith(("/", "mailto:")):
            return link[0]
        file = (page.parent / target).resolve()
        if file not in pages:
            files[file] = _path_of_file(page, file, root)
        path = pages.get(file) or files[file]
        return f"{link['text']}{relpath(path, PurePosixPath(pages[page]).parent)}{link['rest']}"

    text = _COMMENT.sub("", page.read_text(encoding="utf-8"))
    return "".join(
        _plain_fence(piece) if is_block else _LINK.sub(resolve, piece) for is_block, piece in _pieces(text)
    ), files


def _path_of_file(page: Path, file: Path, root: Path) -> str:
    """Return the path in the site of a file that is no page. Outside docs/ it is served as text."""
    if not file.is_file() or not file.is_relative_to(root):
        raise BrokenLinkError(f"{page.relative_to(root)} links to {file}, which does not exist")
    if file.is_relative_to(root / "docs"):
        return file.relative_to(root / "docs").as_posix()
    return f"repository/{file.relative_to(root).as_posix()}.txt"


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the text between fenced blocks, and the blocks, each with whether it is a block."""
    end = 0
    for block in _FENCE.finditer(text):
        yield False, text[end : block.start()]
        yield True, block[0]
        end = block.end()
    yield False, text[end:]


def _plain_fence(block: str) -> str:
    """Return a block whose fence names the language alone: other words are for the tests."""
    fence, _, rest = block.partition("\n")
    language = fence.strip("`").split()[:1]
    return "\n".join([fence[: len(fence) - len(fence.lstrip("`"))] + "".join(language), rest])


def _parent_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
