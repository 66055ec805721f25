"""The words of calls, for the search: what is indexed, what is asked for, and who may find what.

Each word is kept behind a mark of its tenant and of where it stands, so that a search never walks over
another tenant's words, nor over transcripts that its key may not read.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from calltally.calls.filters import CallFilter
from calltally.calls.tokenizer import query_words, text_words
from calltally.store.db.operation import Statement, StatementMany, StoreOperation

_SUMMARY: Final = "s"
_TRANSCRIPT: Final = "t"
_MARK_BYTES: Final = 5
CHUNK: Final = 500
# Of a call's words with their marks: some fifty thousand different ones.
MOST_BYTES: Final = 1_000_000


class _Summary(msgspec.Struct):
    summary: str | None = None


_summaries: Final = msgspec.json.Decoder(_Summary)


def summary_of(record: bytes) -> str | None:
    """The summary in a sealed record."""
    return _summaries.decode(record).summary


def indexed_words(tenant: str, summary: str, spoken: str = "") -> str:
    """The words of a summary and of what was said as they are stored, with spaces between.

    Of very many the first: beyond a MiB PostgreSQL mixes the words of a tsvector up, and does not say so.
    """
    told = ((_SUMMARY, summary), (_TRANSCRIPT, spoken))
    words = " ".join(_mark(tenant) + place + word for place, text in told for word in text_words(text))
    stored = words.encode()
    return words if len(stored) <= MOST_BYTES else stored[:MOST_BYTES].rpartition(b" ")[0].decode()


def matches_of(tenant: str, calls: CallFilter) -> dict[str, str]:
    """The question in the language of each database's own index, by the name of its parameter."""
    if calls.q is None:
        return {}
    places = (_SUMMARY, _TRANSCRIPT) if calls.in_transcripts else (_SUMMARY,)
    asked = [
        [(_mark(tenant) + place + word, is_begun) for place in places]
        for word, is_begun in query_words(calls.q)
    ]
    # Words are letters, marks and digits alone: there is nothing in them to escape.
    of_fts5 = [" OR ".join(f'"{word}"{"*" * begun}' for word, begun in either) for either in asked]
    of_tsquery = [" | ".join(f"'{word}'{':*' * begun}" for word, begun in either) for either in asked]
    # Of each word the places where it may stand, as it is found in a text with a space at both ends.
    probes = [[f" {word}" if begun else f" {word} " for word, begun in either] for either in asked]
    return {
        "fts5": " AND ".join(f"({terms})" for terms in of_fts5),
        "tsquery": " & ".join(f"({terms})" for terms in of_tsquery),
        "probes": msgspec.json.encode(probes).decode(),
    }


@lru_cache(maxsize=1_024)
def _mark(tenant: str) -> str:
    return blake2b(tenant.encode(), digest_size=_MARK_BYTES).hexdigest()


def fill_texts(tenant: str, after: bytes) -> StoreOperation[bytes | None]:
    """Index the next calls after an id that are not yet; returns the last id, or None at the end.

    For calls that a release without the search recorded.
    """
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    rows = yield Statement("summaries_after", {"tenant": tenant, "id": after, "most": CHUNK})
    fresh = [
        {"tenant": tenant, "id": call_id, "valid_from": revision, "words": indexed_words(tenant, summary)}
        for call_id, revision, record, is_indexed in rows
        if not is_indexed and (summary := summary_of(record))
    ]
    if fresh:
        yield StatementMany("put_texts", fresh)
        # They are found as of before as well, so that what was answered then is no longer right.
        yield StatementMany("add_erasures", [{"tenant": tenant, "erased": len(fresh)}])
    return rows[-1][0] if len(rows) == CHUNK else None
