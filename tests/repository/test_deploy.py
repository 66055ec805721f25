"""Files of deploy/ that pages print are printed as they are."""

from typing import Final

import pytest

from tests.acceptance import pages
from tests.repository.test_docs_blocks import BLOCKS, PageBlock

PRINTED: Final = [block for block in BLOCKS if block.info.partition(" ")[2].startswith("deploy/")]


@pytest.mark.parametrize("block", PRINTED, ids=str)
def test_printed_file_is_the_one_of_the_folder(block: PageBlock) -> None:
    file = pages.ROOT / block.info.partition(" ")[2]
    assert block.text == file.read_text(encoding="utf-8")


def test_files_are_printed() -> None:
    assert {"deploy/nginx/calltally.conf", "deploy/caddy/Caddyfile"} <= {
        block.info.partition(" ")[2] for block in PRINTED
    }
