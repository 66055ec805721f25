"""Files that are made from the definitions of the metrics."""

from pathlib import Path

import pytest

from tools.observability.__main__ import ROOT, files


@pytest.mark.parametrize("path", files(), ids=str)
def test_generated_files_are_current(path: Path) -> None:
    """`make pages` writes them."""
    assert (ROOT / path).read_text() == files()[path]
