"""Adaptation of the built site to the service: no inline scripts, nothing unused, the licence."""

import re
from hashlib import sha256
from importlib.metadata import files
from os.path import relpath
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Final

_INLINE: Final = re.compile(r"<script>(?P<code>.*?)</script>", re.DOTALL)
_SCRIPTS: Final = Path("assets/javascripts")
# Files of the theme that no page loads: search in other languages, and maps for its developers.
_UNUSED: Final = ("assets/javascripts/lunr", "sitemap.xml", "sitemap.xml.gz", "404.html")
# Names that the theme's parts lack, or have twice.
_LABELS: Final = {
    'class="md-search" data-md-component="search"': (
        'class="md-search" aria-label="Search" data-md-component="search"'
    ),
    'class="md-path" aria-label="Navigation"': 'class="md-path" aria-label="Path"',
}
# Elements that the theme's script makes: a landmark per block of code, and tables that only a mouse scrolls.
_MADE: Final = {
    '"nav",{class:"md-code__nav"}': '"div",{class:"md-code__nav"}',
    '{class:"md-typeset__scrollwrap"}': '{class:"md-typeset__scrollwrap",tabindex:"0"}',
}
_MAP: Final = re.compile(r"^/[*/]# sourceMappingURL=.*$", re.MULTILINE)


def finish(site: Path) -> None:
    """Finish the site in the folder `site`."""
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        for old, new in _LABELS.items():
            html = html.replace(old, new)
        page.write_text(_external(html, page, site), encoding="utf-8")
    _remove_unused(site)
    [bundle] = (site / _SCRIPTS).glob("bundle.*.js")
    bundle.write_text(_accessible(bundle.read_text(encoding="utf-8")), encoding="utf-8")
    _copy_licence(site)


def _external(html: str, page: Path, site: Path) -> str:
    """Return the page with its scripts in files: the policy of the service forbids inline scripts."""

    def move(script: re.Match[str]) -> str:
        code = script["code"].encode()
        path = site / _SCRIPTS / f"inline.{sha256(code).hexdigest()[:8]}.js"
        path.write_bytes(code)
        return f'<script src="{relpath(path, page.parent)}"></script>'

    return _INLINE.sub(move, html)


def _accessible(script: str) -> str:
    """Return the theme's script with the elements of `_MADE`. Raises ValueError if it makes others."""
    for old, new in _MADE.items():
        if old not in script:
            raise ValueError(f"the theme's script has no {old}: axe will find what it makes instead")
        script = script.replace(old, new)
    return script


def _remove_unused(site: Path) -> None:
    for name in _UNUSED:
        path = site / name
        if path.is_dir():
            rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in (site / "assets").rglob("*.map"):
        path.unlink()
    for path in (site / "assets").rglob("*.min.*"):
        path.write_text(_MAP.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")


def _copy_licence(site: Path) -> None:
    # The theme's own; the icons that it brings have theirs, and no page uses those.
    licences = [each for each in files("mkdocs-material") or () if each.parent.name == "licenses"]
    [licence] = [each for each in licences if each.name == "LICENSE"]
    copyfile(str(licence.locate()), site / "assets" / "LICENSE")
