"""Tables from Twilio's words to ours, for callbacks and the API.

Sources: Twilio's "Call resource", "StatusCallback" and "TwiML <Dial>" pages.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction

NAME: Final = "twilio"
# From the view of the trunk: a call that *terminates* in the telephone network leaves the tenant.
DIRECTIONS: Final[Mapping[str, Direction]] = {
    "inbound": Direction.INBOUND,
    "outbound-api": Direction.OUTBOUND,
    "outbound-dial": Direction.OUTBOUND,
    "trunking-originating": Direction.INBOUND,
    "trunking-terminating": Direction.OUTBOUND,
}
