"""The state of detectors as bytes, and room in it for series that are new."""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# Arrays that are not of series: what a tenant's hours of the week have in common.
_OF_TENANTS: Final = frozenset({"profile", "profile_weight"})
# What is told by the table of series, not learned.
_GIVEN: Final = frozenset({"tenant_of", "is_leaf", "parent_of", "threshold"})

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
    """Arrays as bytes, compressed."""
    file = io.BytesIO()
    # Arrays are passed as keywords, among which numpy's own have names that ours never have.
    np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type] # the stub takes its own flag for one
    return file.getvalue()


def unpacked(stored: bytes) -> dict[str, Array]:
    """The arrays of `packed`. Raises ValueError where they are none."""
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, KeyError, ValueError) as fault:
        message = "the stored state of the detectors cannot be read"
        raise ValueError(message) from fault
