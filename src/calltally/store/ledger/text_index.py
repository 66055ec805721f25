"""Text index of calls: the indexed words, the search parameters, and the limits of each key.

Each word is stored with a prefix for its tenant and its source, so that a search never reads words of another
tenant, or transcripts that its key may not read.
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
_PREFIX_BYTES: Final = 5
CHUNK: Final = 500
# Bytes of a call's words with their prefixes: some fifty thousand different words.
MAX_INDEXED_BYTES: Final = 1_000_000


class _Summary(msgspec.Struct):
    summary: str | None = None


_summaries: Final = msgspec.json.Decoder(_Summary)


def summary_of(record: bytes) -> str | None:
    return _summaries.decode(record).summary


def indexed_words(tenant: str, summary: str, spoken: str = "") -> str:
    """Return the words of a summary and a transcript as they are stored, separated by spaces.

    Only the first MAX_INDEXED_BYTES: beyond a MiB PostgreSQL corrupts a tsvector without an error.
    """
    texts = ((_SUMMARY, summary), (_TRANSCRIPT, spoken))
    words = " ".join(_prefix(tenant) + source + word for source, text in texts for word in text_words(text))
    stored = words.encode()
    return (
        words if len(stored) <= MAX_INDEXED_BYTES else stored[:MAX_INDEXED_BYTES].rpartition(b" ")[0].decode()
    )


def search_params(tenant: str, calls: CallFilter) -> dict[str, str]:
    """Return the search of `q` in the syntax of each database's text index, by parameter."""
    if calls.q is None:
        return {}
    sources = (_SUMMARY, _TRANSCRIPT) if calls.in_transcripts else (_SUMMARY,)
    terms_of_words = [
        [(_prefix(tenant) + source + word, is_prefix) for source in sources]
        for word, is_prefix in query_words(calls.q)
    ]
    # Words consist of letters, marks and digits, so nothing needs escaping.
    of_fts5, of_tsquery, probes = [], [], []
    for terms in terms_of_words:
        of_fts5.append(" OR ".join(f'"{word}"{"*" * is_prefix}' for word, is_prefix in terms))
        of_tsquery.append(" | ".join(f"'{word}'{':*' * is_prefix}" for word, is_prefix in terms))
        # Alternatives of the word, as they occur in a text with a space at both ends.
        probes.append([f" {word}" if is_prefix else f" {word} " for word, is_prefix in terms])
    return {
        "fts5": " AND ".join(f"({terms})" for terms in of_fts5),
        "tsquery": " & ".join(f"({terms})" for terms in of_tsquery),
        "probes": msgspec.json.encode(probes).decode(),
    }


@lru_cache(maxsize=1_024)
def _prefix(tenant: str) -> str:
    return blake2b(tenant.encode(), digest_size=_PREFIX_BYTES).hexdigest()


def fill_texts(tenant: str, after: bytes) -> StoreOperation[bytes | None]:
    """Index the next calls of older releases after an id; return the last id, or None at the end."""
    yield StatementMany("lock_heads", [{"tenant": tenant}])
    rows = yield Statement("summaries_after", {"tenant": tenant, "id": after, "most": CHUNK})
    fresh = [
        {"tenant": tenant, "id": call_id, "valid_from": revision, "words": indexed_words(tenant, summary)}
        for call_id, revision, record, is_indexed in rows
        if not is_indexed and (summary := summary_of(record))
    ]
    if fresh:
        yield StatementMany("put_texts", fresh)
        # Older snapshots find these words too, so cached answers about them are no longer right.
        yield StatementMany("add_erasures", [{"tenant": tenant, "erased": len(fresh)}])
    return rows[-1][0] if len(rows) == CHUNK else None
