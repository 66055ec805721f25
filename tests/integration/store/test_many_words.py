"""A conversation with more words than a database can index is found by its first words."""

from calltally.calls.filters import CallFilter
from calltally.calls.list_query import ListQuery
from calltally.ingest.session_body import SessionBody, TurnBody, session_fact
from calltally.store.ledger.text_index import MAX_INDEXED_BYTES, indexed_words
from calltally.store.listing.list_calls import list_calls
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import submit, verdict

# PostgreSQL, "Limitations" of full text search: bytes of all words of a tsvector.
LIMIT = 1_048_575
WORDS = [f"{number:05d}{'x' * 40}" for number in range(22_000)]


def test_indexed_words_are_limited_and_end_with_a_whole_word() -> None:
    words = indexed_words(TENANT, "Möwe", " ".join(WORDS))
    assert MAX_INDEXED_BYTES - 100 < len(words.encode()) <= MAX_INDEXED_BYTES < LIMIT
    marked = words.split(" ")
    assert marked[0].endswith("smöwe")
    assert [word[-45:] for word in marked[1:]] == WORDS[: len(marked) - 1]


def test_first_words_of_a_very_long_conversation_are_found(bench: Bench) -> None:
    turns = [TurnBody("user", " ".join(WORDS[at : at + 2_000])) for at in range(0, len(WORDS), 2_000)]
    body = SessionBody(call_sid="long", transcript=turns)
    submit(bench, session_fact("s", body, "long", raw=b"", now_us=NOW_US))
    found = [
        bench.run(bench.store.read(list_calls(TENANT, ListQuery(CallFilter(q=word, in_transcripts=True)))))
        for word in (WORDS[0], WORDS[9_000], WORDS[17_000])
    ]
    assert [each.total for each in found] == [1, 1, 1]
    assert verdict(bench).findings == []
