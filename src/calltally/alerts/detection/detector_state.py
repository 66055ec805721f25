"""State of a detector besides its arrays: its series and their open incidents."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from calltally.alerts.detection.array_codec import Array
from calltally.alerts.detection.incident import AlertIncident
from calltally.alerts.model.series import SeriesKey

_ARRAY_NAME: Final = "kept"


class DetectorState(msgspec.Struct, array_like=True):
    """Keys of the series in array order, the index of each one's parent, and the start of the last step."""

    version: int
    keys: list[SeriesKey]
    parents: list[int]
    last_us: int | None
    incidents: list[AlertIncident]
    agents_of: dict[int, set[int]] = {}


def with_detector_state(arrays: Mapping[str, Array], state: DetectorState) -> dict[str, Array]:
    """Return the arrays with the state as one more array."""
    return {**arrays, _ARRAY_NAME: np.frombuffer(msgspec.msgpack.encode(state), dtype=np.uint8)}


def pop_detector_state(arrays: dict[str, Array]) -> DetectorState:
    """Remove the array of `with_detector_state` and return its state. Raises ValueError if it has none."""
    try:
        return msgspec.msgpack.decode(arrays.pop(_ARRAY_NAME).tobytes(), type=DetectorState)
    except (KeyError, msgspec.DecodeError) as fault:
        message = "the stored state of the detectors is unreadable"
        raise ValueError(message) from fault
