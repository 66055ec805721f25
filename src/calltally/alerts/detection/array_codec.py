"""The state of detectors as bytes, and room in it for series that are new."""

import io
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# Arrays that are not of series: what a tenant's hours of the week have in common.
_OF_TENANTS: Final = frozenset({"profile", "profile_weight"})
# What is told by the table of series, not learned.
_GIVEN: Final = frozenset({"tenant_of", "is_leaf", "parent_of", "threshold"})

# What zstd begins with (RFC 8878, 3.1.1); a version before this one wrote numpy's own archive.
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
# What was learned hardly gets smaller, what was not does at any level: the fastest that there is.
_LEVEL: Final = 1

Array = npt.NDArray[Any]


def arrays_of(owner: object) -> dict[str, Array]:
    """What an object has learned: its arrays by their names."""
    return {
        name: value
        for name, value in vars(owner).items()
        if isinstance(value, np.ndarray) and name not in _GIVEN and not name.startswith("_")
    }


def put_back(owner: object, held: Mapping[str, Array]) -> None:
    """Give an object what it, or a smaller one of its kind, had learned."""
    for name, fresh in arrays_of(owner).items():
        # A version that came later may have more to remember: it begins with nothing.
        if name in held and name in _OF_TENANTS:
            setattr(owner, name, held[name].copy())
        elif name in held:
            fresh[..., : held[name].shape[-1]] = held[name]


def packed(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as bytes, compressed: 60 MB of 10,000 series in 0.2 s, where numpy's own archive takes 4 s."""
    file = io.BytesIO()
    # Arrays are passed as keywords, among which numpy's own have names that ours never have.
    np.savez(file, **dict(arrays))  # type: ignore[arg-type] # the stub takes its own flag for one
    return bytes(zstd.compress(file.getvalue(), _LEVEL))


def unpacked(stored: bytes) -> dict[str, Array]:
    """The arrays of `packed`. Raises ValueError where they are none."""
    try:
        archive = zstd.decompress(stored) if stored.startswith(_ZSTD) else stored
        with np.load(io.BytesIO(archive), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, KeyError, ValueError, zstd.ZstdError) as fault:
        message = "the stored state of the detectors cannot be read"
        raise ValueError(message) from fault
