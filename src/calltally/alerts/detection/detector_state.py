"""What a detector remembers beside its arrays: which series there are, and what is open of them."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.array_codec import Array
from calltally.alerts.detection.incident import Cause
from calltally.alerts.model.series import SeriesKey

_NAME: Final = "kept"


class Kept(msgspec.Struct, array_like=True):
    """The keys of the series by their places, each one's parent, and where the last step began."""

    version: int
    keys: list[SeriesKey]
    parents: list[int]
    last_us: int | None
    causes: list[Cause]
    agents_of: dict[int, set[int]] = {}


def with_kept(arrays: Mapping[str, Array], kept: Kept) -> dict[str, Array]:
    """The arrays, and this as one of them."""
    return {**arrays, _NAME: np.frombuffer(msgspec.msgpack.encode(kept), dtype=np.uint8)}


def kept_in(arrays: dict[str, Array]) -> Kept:
    """What `with_kept` added, taken out again. Raises ValueError where it is none."""
    try:
        return msgspec.msgpack.decode(arrays.pop(_NAME).tobytes(), type=Kept)
    except (KeyError, msgspec.DecodeError) as fault:
        message = "the stored state of the detectors cannot be read"
        raise ValueError(message) from fault
