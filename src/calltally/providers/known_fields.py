"""Fields of a provider's bodies that its coverage page does not list: new fields of the provider.

`fields.txt` in the folder of each provider lists the known ones; `make pages` writes it.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from calltally.providers.callback import Callback
from calltally.providers.form import is_form, parse_form

# Bound the work for a body, and the names that one body can add.
_MAX_LEAVES: Final = 2_000
_MAX_NAMES: Final = 20
MAX_NAME_CHARS: Final = 120
_MAX_DEPTH: Final = 30
_ANY: Final = "*"
_decoder: Final = msgspec.json.Decoder()


# Lists of records in pages: a record there has the fields that it has alone.
_PAGE: Final = re.compile(r"(?:(?:_embedded\.)?(?:calls|data|objects|results))?\[\]\.")


class KnownFields(NamedTuple):
    """Field paths such as `legs[].id`, and the beginnings of paths whose last names the tenant chooses."""

    names: frozenset[str]
    prefixes: tuple[str, ...]


@cache
def known_fields(provider: str) -> KnownFields:
    """Return the known fields of a provider; a generic provider has none."""
    file = files("calltally.providers").joinpath(provider, "fields.txt")
    names = file.read_text(encoding="utf-8").split() if file.is_file() else []
    prefixes = tuple(name.removesuffix(_ANY) for name in names if name.endswith(_ANY))
    return KnownFields(frozenset(names), prefixes)


def unlisted_fields(provider: str, callback: Callback) -> tuple[str, ...]:
    """Return the fields of an authentic callback that are not known; at most 20, cut to 120 characters."""
    return _unlisted(provider, _names(callback)) if known_fields(provider).names else ()


def unlisted_in_record(provider: str, raw: bytes) -> tuple[str, ...]:
    """Return the fields of a record of a list or file that are not known, with the same limits."""
    return _unlisted(provider, _record_names(raw)) if known_fields(provider).names else ()


def _unlisted(provider: str, found: Iterator[str]) -> tuple[str, ...]:
    try:
        names = dict.fromkeys(name[:MAX_NAME_CHARS] for name in islice(found, _MAX_LEAVES))
    except (ValueError, RecursionError):
        # The content was signed and read, and a part that it does not use is malformed.
        return ()
    return tuple(islice((name for name in names if name and not is_known(provider, name)), _MAX_NAMES))


# Most bodies of a provider have the same fields: a look-up by prefixes takes five times as long.
@lru_cache(maxsize=8_192)
def is_known(provider: str, name: str) -> bool:
    """Decide whether the provider's page lists a field. An empty object is listed by the names below it."""
    known, record_field = known_fields(provider), without_page(name)
    return record_field in known.names or f"{record_field}.".startswith(known.prefixes)


def without_page(name: str) -> str:
    """Return the path of a record's field in a page as the path that it has in a record alone."""
    page = _PAGE.match(name)
    return name[page.end() :] if page else name


def leaf_names(value: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:  # noqa: ANN401 (JSON)
    """Yield the path of each leaf of a JSON value, such as `legs[].id`.

    Long paths are cut and deep ones end early: otherwise one body could take the memory of all its paths.
    """
    if depth == _MAX_DEPTH or len(prefix) > MAX_NAME_CHARS:
        yield prefix[:MAX_NAME_CHARS]
    elif isinstance(value, dict) and value:
        for name, child in value.items():
            yield from leaf_names(child, f"{prefix}.{name}" if prefix else name, depth + 1)
    elif isinstance(value, list) and value:
        for child in value:
            yield from leaf_names(child, f"{prefix}[]", depth + 1)
    elif prefix:
        yield prefix


def _names(callback: Callback) -> Iterator[str]:
    yield from (name for name, _ in parse_form(urlsplit(callback.url).query.encode()))
    if not callback.body:
        return
    if is_form(callback.headers):
        yield from (name for name, _ in parse_form(callback.body))
        return
    # XML and lines of JSON raise ValueError: their fields are those of the provider's files.
    yield from _record_names(callback.body)


def _record_names(raw: bytes) -> Iterator[str]:
    yield from leaf_names(_decoder.decode(raw))
