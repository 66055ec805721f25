"""Twilio's words as ours. What the callbacks and the API share.

Sources: Twilio's "Call resource", "StatusCallback" and "TwiML <Dial>" pages.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction

NAME: Final = "twilio"
# Named from the trunk's end: what *terminates* in the telephone network left the tenant.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
    "trunking-originating": Direction.INBOUND,
    "trunking-terminating": Direction.OUTBOUND,
}
