"""Descriptions of fields that several resources share."""

from typing import Final

PAGE: Final = {
    "limit": "The page size of this response.",
    "offset": "The number of rows before this page.",
    "total": "The exact number of matching rows over all pages.",
}
CREATED: Final = "Time of creation."
UPDATED: Final = "Time of the last change."
CALL_ID: Final = "The call's id in Calltally."
CALL_SID: Final = "The provider's id of the call."
REVISION: Final = "The tenant's revision after this change. Each change of the ledger has a higher revision."
LOW: Final = "Lower bound of the 95 % interval; null if the value is null."
HIGH: Final = "Upper bound of the 95 % interval; null if the value is null."
FROM: Final = "Start of the window, included."
TO: Final = "End of the window, excluded."
ROUTE_FILTER: Final = "The route's key."
