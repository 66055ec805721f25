"""Tables that map SignalWire's words to Calltally's.

Sources: SignalWire's pages "Calls" and "Status callback" of its Compatibility API.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction

NAME: Final = "signalwire"
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound": Direction.OUTBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
}
