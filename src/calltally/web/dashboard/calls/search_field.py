"""The search field: one text that is a number, a SID, the beginning of one, a name, or words.

The result is a list with a filter in its URL. `SOUGHT` carries the text as typed, for the field and for other
readings of the text.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from calltally.calls.errors import Forbidden
from calltally.calls.filters import MIN_SID_PREFIX_CHARS
from calltally.calls.model import Status
from calltally.calls.parameters import MAX_TEXT_CHARS
from calltally.calls.phone import is_shortened, plain_number, searched_number
from calltally.calls.suggestions import suggest
from calltally.calls.tokenizer import text_words
from calltally.store.ledger.lookup import find_call
from calltally.store.listing.existing_names import ExistingNames, existing_names
from calltally.store.listing.sid_prefix import has_prefix
from calltally.web.auth.search_rights import check_search_values, readable_names
from calltally.web.dashboard.calls.links import SOUGHT, url
from calltally.web.dashboard.calls.local_window import day_window
from calltally.web.dashboard.formats import call_path
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.paths import MAX_SEGMENT_CHARS
from calltally.web.request.query import Pairs

# Typed telephone numbers: digits with common separators.
_NUMBER: Final = re.compile(r"\+?[\d ()./-]{3,24}", re.ASCII)
_E164: Final = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
# Names in the order of their use: most people search for an agent or a route.
NAMES: Final = ("agent", "route", "provider")
PREFIX: Final = "call_sid_prefix"
# Names of one kind that are offered for their beginning.
_MAX_MEANT: Final = 5


async def search_path(deps: Dependencies, visitor: Visitor, typed: str) -> str:
    """Return the page of a typed text: the call of an id or SID, else the list with a filter."""
    query = typed.strip()[:MAX_TEXT_CHARS]
    if not query:
        return url(())
    if len(query) <= MAX_SEGMENT_CHARS:
        record: bytes | None = await deps.store.read_tenant(
            visitor.tenant, partial(find_call, visitor.tenant, query)
        )
        if record is not None:
            return call_path(query)
    if day := day_window(query, visitor.zone):
        return url((*day, (SOUGHT, query)))
    return url((await _filter_of(deps, visitor, query), (SOUGHT, query)))


async def _filter_of(deps: Dependencies, visitor: Visitor, query: str) -> tuple[str, str]:
    """Return the filter of a text: a number, a name in any case, the beginning of a SID, else words."""
    number = _number_in(query)
    if number is not None:
        return "number", number
    names = await deps.store.read_tenant(visitor.tenant, partial(existing_names, visitor.tenant))
    for name, value in named(visitor, names, query):
        return name, value
    if _may_search(visitor, PREFIX, query):
        begins = partial(has_prefix, visitor.tenant, query)
        if await deps.store.read_tenant(visitor.tenant, begins):
            return PREFIX, query
    return "q", query


def readings(visitor: Visitor, names: ExistingNames, query: str) -> Iterator[tuple[str, str]]:
    """Yield each filter that a text can be read as, in the order in which the field tries them."""
    number = _number_in(query)
    if number is not None and _may_search(visitor, "number", number):
        yield "number", number
    yield from named(visitor, names, query)
    for status in Status:
        if status == query.casefold().replace(" ", "-"):
            yield "status", status
    if query.casefold() == "escalated":
        yield "escalated", "true"
    if _may_search(visitor, PREFIX, query):
        yield PREFIX, query
    if text_words(query) and _may_search(visitor, "q", query):
        yield "q", query


def named(visitor: Visitor, names: ExistingNames, query: str) -> Iterator[tuple[str, str]]:
    """Yield the names that equal a text in any case."""
    for name in NAMES:
        for value in readable_names(visitor.access, names)[name]:
            if value.casefold() == query.casefold():
                yield name, value


def meant(visitor: Visitor, names: ExistingNames, query: str) -> Iterator[tuple[str, str]]:
    """Yield the names that begin with a text, else those of which it is probably a misspelling."""
    folded = query.casefold()
    for name in NAMES:
        existing = readable_names(visitor.access, names)[name]
        longer = [
            each for each in existing if each.casefold().startswith(folded) and each.casefold() != folded
        ]
        guess = suggest(query, existing)
        for value in longer[:_MAX_MEANT] or filter(None, [guess]):
            if value.casefold() != folded:
                yield name, value


def _number_in(query: str) -> str | None:
    plain = plain_number(query)
    if is_shortened(plain):
        # The list refuses it with the reason.
        return plain
    if not _NUMBER.fullmatch(plain) or not any(map(str.isdigit, plain)):
        return None
    number = searched_number(plain)
    if not number.startswith("+") or _E164.fullmatch(number):
        return number
    # Too short to be E.164, so it is the end of a number.
    return searched_number(plain.removeprefix("+"))


def _may_search(visitor: Visitor, name: str, value: str) -> bool:
    """Return true if the visitor may search for a value, and a SID's beginning is long enough."""
    if name == PREFIX and (len(value) < MIN_SID_PREFIX_CHARS or any(map(str.isspace, value))):
        return False
    try:
        check_search_values(visitor.access, {name: value})
    except Forbidden:
        return False
    return True


def filters_without_search(pairs: Pairs) -> Pairs:
    """Return the filters that the search field does not set."""
    return tuple(pair for pair in pairs if pair[0] not in {"number", PREFIX, "q", *NAMES, SOUGHT})
