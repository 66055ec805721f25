"""Tables that map Asterisk's words and columns to Calltally's.

Sources: Asterisk's pages on the CDR specification, cdr_csv, cdr_custom and AMI `Cdr`.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.model import Direction, Status
from calltally.providers import value_parsers

NAME: Final = "asterisk"

DISPOSITIONS: Final[Mapping[str, Status]] = {
    "ANSWERED": Status.COMPLETED,
    "NO ANSWER": Status.NO_ANSWER,
    "NOANSWER": Status.NO_ANSWER,
    "BUSY": Status.BUSY,
    "FAILED": Status.FAILED,
    # No circuit is free: the call fails, and the word becomes its error code.
    "CONGESTION": Status.FAILED,
}
CONGESTION: Final = "CONGESTION"

# Columns by their names in AMI's `Cdr` event. It has a linkedid only if cdr_manager.conf maps one.
AMI_NAMES: Final[Mapping[str, str]] = {
    "accountcode": "accountcode",
    "source": "src",
    "destination": "dst",
    "destinationcontext": "dcontext",
    "callerid": "clid",
    "channel": "channel",
    "destinationchannel": "dstchannel",
    "lastapplication": "lastapp",
    "lastdata": "lastdata",
    "starttime": "start",
    "answertime": "answer",
    "endtime": "end",
    "duration": "duration",
    "billableseconds": "billsec",
    "disposition": "disposition",
    "amaflags": "amaflags",
    "uniqueid": "uniqueid",
    "userfield": "userfield",
    "linkedid": "linkedid",
    "peeraccount": "peeraccount",
    "sequence": "sequence",
}
# In the order of cdr_csv. Its options loguniqueid, loguserfield and newcdrcolumns add the last five.
MASTER_COLUMNS: Final = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),
)
MASTER_MIN_COLUMNS: Final = 16
# In the order of the sample of cdr_custom.conf.
CUSTOM_COLUMNS: Final = (
    *("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags", "accountcode"),
    *("uniqueid", "userfield", "sequence", "linkedid"),
)
# Channel variables that cdr_custom and database tables can have, by the outcome that a value proves.
TRANSFER_COLUMNS: Final[Mapping[str, str]] = {"attendedtransfer": "bridged", "blindtransfer": "requested"}
# The application that sends the call to another switch (SIP REFER); `lastdata` is its target.
TRANSFER_APPLICATION: Final = "transfer"
COLUMNS: Final = frozenset((*MASTER_COLUMNS, "calldate", *TRANSFER_COLUMNS))

# In the order of the sample of cel_custom.conf.
EVENT_COLUMNS: Final = (
    *("eventtype", "eventtime", "cidname", "cidnum", "cidani", "cidrdnis", "ciddnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "bridgepeer"),
    *("userfield", "userdeftype", "eventextra"),
)
EVENT_TYPES: Final = frozenset(
    {
        *(
            "CHAN_START",
            "CHAN_END",
            "ANSWER",
            "HANGUP",
            "APP_START",
            "APP_END",
            "BRIDGE_ENTER",
            "BRIDGE_EXIT",
        ),
        *("BLINDTRANSFER", "ATTENDEDTRANSFER", "PARK_START", "PARK_END", "PICKUP", "FORWARD", "LINKEDID_END"),
        *("LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "USER_DEFINED"),
    }
)
# Columns of AMI's `CEL` event.
AMI_EVENT_NAMES: Final[Mapping[str, str]] = {
    "eventname": "eventtype",
    "eventtime": "eventtime",
    "uniqueid": "uniqueid",
    "linkedid": "linkedid",
    "extra": "extra",
}

# Contexts of distributions' dialplans for calls from outside and from their own telephones.
_INBOUND: Final = ("from-trunk", "from-pstn", "from-did", "ext-did", "incoming", "inbound", "from-outside")
_OUTBOUND: Final = ("from-internal", "outgoing", "outbound")


def direction_of(context: str) -> Direction | None:
    """Return the direction of a well-known context name; None for a dialplan's own names."""
    if context.startswith(_INBOUND):
        return Direction.INBOUND
    return Direction.OUTBOUND if context.startswith(_OUTBOUND) else None


def sid_of(own: str, account: str) -> str:
    """Return the SID of a call, prefixed with the account: two switches may use the same id."""
    try:
        return value_parsers.sid(f"{account}:{own}" if account else own)
    except ValueError as fault:
        raise NotUnderstood(f"linkedid {own[:80]!r}: {fault}") from fault
