"""The search field: an id or SID opens its call, a number lists its calls, other text is searched."""

import re
from functools import partial
from typing import Final

from calltally.calls.phone import normalise_number
from calltally.store.ledger.lookup import find_call
from calltally.web.dashboard.call_format import call_path
from calltally.web.dashboard.calls.links import url
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.paths import MAX_SEGMENT_CHARS

# Typed telephone numbers: digits with common separators.
_NUMBER: Final = re.compile(r"\+?[\d\s()./-]{3,24}", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s()./-]", re.ASCII)


async def search_path(deps: Dependencies, tenant: str, text: str) -> str:
    """Return the page for the search text."""
    query = text.strip()
    if query and len(query) <= MAX_SEGMENT_CHARS:
        record: bytes | None = await deps.store.read_tenant(tenant, partial(find_call, tenant, query))
        if record is not None:
            return call_path(query)
    if _NUMBER.fullmatch(query):
        return url([("number", normalise_number(_SEPARATORS.sub("", query)))])
    return url([("q", query)] if query else [])
