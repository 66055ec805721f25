"""The one search field: a SID or an id leads to its call, a number to its calls, anything else is words."""

import re
from functools import partial
from typing import Final

from calltally.calls.phone import normalise_number
from calltally.store.ledger.lookup import find_call
from calltally.web.dashboard.call_format import call_path
from calltally.web.dashboard.calls.links import url
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.paths import MAX_SEGMENT_CHARS

# What people type of a number: digits with what stands between them.
_NUMBER: Final = re.compile(r"\+?[\d\s()./-]{3,24}", re.ASCII)
_BETWEEN: Final = re.compile(r"[\s()./-]", re.ASCII)


async def search_path(deps: Dependencies, tenant: str, text: str) -> str:
    """The page that answers to what was typed."""
    wanted = text.strip()
    if wanted and len(wanted) <= MAX_SEGMENT_CHARS:
        record: bytes | None = await deps.store.read_tenant(tenant, partial(find_call, tenant, wanted))
        if record is not None:
            return call_path(wanted)
    if _NUMBER.fullmatch(wanted):
        return url([("number", normalise_number(_BETWEEN.sub("", wanted)))])
    return url([("q", wanted)] if wanted else [])
