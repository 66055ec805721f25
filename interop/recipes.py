"""Recipes of the documents, which run as they are printed."""

import re
from pathlib import Path
from typing import Final

from interop.service import Failed

_HOW_TO: Final = Path(__file__).parents[1] / "docs" / "how-to"


def recipe(info: str, page_name: str = "copy-with-dlt-airbyte-singer.md") -> str:
    """Return the block of the page whose fence has this info string. Raises Failed without exactly one."""
    page = _HOW_TO / page_name
    blocks = re.findall(
        rf"^```{info}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    if len(blocks) != 1:
        raise Failed(f"{page_name} has {len(blocks)} blocks with the fence {info!r}, not one")
    return str(blocks[0])


def write_recipe(info: str, path: Path) -> Path:
    """Write that block into a file, and return its path."""
    path.write_text(recipe(info), encoding="utf-8")
    return path
