"""`python -m tools.dictionary FILE`: writes a dictionary that does not exist yet.

A dictionary that is in use is never written again: bodies that it compressed could not be read any
more. A better one takes the next number, and the old ones stay.
"""

import sys
from pathlib import Path
from random import Random
from typing import Final

from tools.dictionary.samples import samples

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SIZE_BYTES: Final = 12_288
SAMPLES: Final = 6_000
_SEED: Final = 20_261_124


def train() -> bytes:
    """The same bytes at each run with the same library."""
    return zstd.train_dict(list(samples(Random(_SEED), SAMPLES)), SIZE_BYTES).dict_content


def main() -> None:
    """Write the dictionary to the file named, unless it is there."""
    path = Path(sys.argv[1])
    if path.exists():
        sys.exit(f"{path} exists: a dictionary in use must not change; take the next number")
    path.write_bytes(train())


if __name__ == "__main__":
    main()
