"""Rows of Master.csv as cdr_csv writes them with its optional columns.

A queue tried two agents in the second call.
"""

from calltally.providers.asterisk.words import MASTER_COLUMNS, TRANSFER_COLUMNS
from tests.unit.providers.sampling import Records

PLAIN, QUEUED, REFUSED = "1787386800.10", "1787386860.20", "1787386920.30"


def row(*cells: object) -> str:
    quoted = (str(cell).replace('"', '""') for cell in cells)
    return ",".join(text if text.isdigit() else f'"{text}"' for text in quoted) + "\n"


def call(
    linked: str,
    times: tuple[str, str, str],
    seconds: tuple[int, int],
    disposition: str,
    *,
    sequence: int,
    agent: str = "PJSIP/200-00000002",
    dst: str = "+14155550100",
) -> str:
    start, answer, end = (f"2026-08-22 {clock}" if clock else "" for clock in times)
    return row(
        *("", "+14155550123", dst, "from-trunk", '"Caller" <+14155550123>', "PJSIP/trunk-00000001", agent),
        *("Dial", f"{agent},30", start, answer, end, *seconds, disposition, "DOCUMENTATION"),
        *(linked, "", "", linked, sequence),
    )


ROWS = (
    call(PLAIN, ("07:40:00", "07:40:09", "07:40:42"), (42, 33), "ANSWERED", sequence=1),
    call(QUEUED, ("07:41:00", "", "07:41:15"), (15, 0), "NO ANSWER", sequence=2, agent="PJSIP/201-00000005"),
    call(QUEUED, ("07:41:15", "07:41:20", "07:42:00"), (45, 40), "ANSWERED", sequence=3, dst="202"),
    call(REFUSED, ("07:42:00", "", "07:42:01"), (1, 0), "CONGESTION", sequence=4),
)
CALLS = {
    f"main:{PLAIN}": {
        "status": "completed",
        "duration_seconds": 33,
        "direction": "inbound",
        "from_number": "+14155550123",
        "provider_account": "main",
        "conflicts": 0,
    },
    f"main:{QUEUED}": {
        "status": "completed",
        "duration_seconds": 40,
        "created_at": "2026-08-22T07:41:00.000000Z",
        "answered_at": "2026-08-22T07:41:20.000000Z",
        "to_number": "+14155550100",
        "conflicts": 0,
    },
    f"main:{REFUSED}": {"status": "failed", "error_code": "CONGESTION", "duration_seconds": 0},
}

# With the two channel variables that name a transfer, empty here.
TABLE = [",".join((*MASTER_COLUMNS, *TRANSFER_COLUMNS)), *(line.rstrip("\n") + ",," for line in ROWS)]
RECORDS = Records("\n".join([*TABLE, ""]).encode(), CALLS)
