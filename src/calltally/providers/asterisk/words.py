"""Asterisk's words as ours. Source.

Asterisk's pages on CDR specification, cdr_csv, cdr_custom and AMI `Cdr`.
"""

from collections.abc import Mapping
from typing import Final

from calltally.calls.model import Direction, Status

NAME: Final = "asterisk"

DISPOSITIONS: Final[Mapping[str, Status]] = {
    "ANSWERED": Status.COMPLETED,
    "NO ANSWER": Status.NO_ANSWER,
    "NOANSWER": Status.NO_ANSWER,
    "BUSY": Status.BUSY,
    "FAILED": Status.FAILED,
    # No circuit was free: the call failed, and the word is kept as its error code.
    "CONGESTION": Status.FAILED,
}
CONGESTION: Final = "CONGESTION"

# What AMI's `Cdr` event calls the columns; it has no linkedid unless cdr_manager.conf maps one.
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
# In the order of cdr_csv: the last five come with its options loguniqueid, loguserfield and newcdrcolumns.
MASTER: Final = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),
)
MASTER_LEAST: Final = 16
# In the order of the sample of cdr_custom.conf.
CUSTOM: Final = (
    *("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags", "accountcode"),
    *("uniqueid", "userfield", "sequence", "linkedid"),
)
COLUMNS: Final = frozenset((*MASTER, "calldate"))

# Contexts that a distribution's dialplan gives to calls from outside and from its own telephones.
_INBOUND: Final = ("from-trunk", "from-pstn", "from-did", "ext-did", "incoming", "inbound", "from-outside")
_OUTBOUND: Final = ("from-internal", "outgoing", "outbound")


def direction_of(context: str) -> Direction | None:
    """What a context's name says; most dialplans have names of their own, which say nothing to us."""
    if context.startswith(_INBOUND):
        return Direction.INBOUND
    return Direction.OUTBOUND if context.startswith(_OUTBOUND) else None
