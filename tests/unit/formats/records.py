"""Finished records as hypothesis makes them: every kind of text, and metadata that looks like a record."""

import json
from typing import Any

from hypothesis import strategies as st

from calltally.calls.model import CALL_FIELDS, DIRECTIONS, STATUSES, Call, encode_body, finish_record
from calltally.calls.times import utc_text
from calltally.store.listing.refold_as_of import erased_document
from calltally.store.listing.seek import LINE_FEED

Json = dict[str, Any]

# What a record may hold: no NUL, nothing that UTF-8 has no bytes for, never empty.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_BEGINNINGS = st.sampled_from(
    ["", "=", "+", "-", "@", "\t", "\r", "\n", "'", "''=", "'+", " =", ",", '"', '],"', "+1"]
)
texts = st.builds(lambda a, b: a + b, _BEGINNINGS, st.text(_CHARACTERS, min_size=1, max_size=12))
phones = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
_parties = st.none() | phones | texts
_instants_us = st.integers(946_684_800_000_000, 4_000_000_000_000_000)
_counts = st.none() | st.integers(0, 2**40)
_codes = st.none() | st.integers(-(2**31), 2**31)
_names = st.sampled_from(["metadata", "conflicts", "tags", "created_at", "erased", "a"]) | texts
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=6,
)


def _known(*names: str) -> st.SearchStrategy[Json | None]:
    return st.none() | st.fixed_dictionaries({name: st.none() | texts for name in names})


_amounts = st.from_regex(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,20})?", fullmatch=True)


def _calls() -> st.SearchStrategy[Call]:
    fields: dict[str, st.SearchStrategy[Any]] = {name: st.none() | texts for name in Call.__struct_fields__}
    times = st.none() | st.builds(utc_text, _instants_us)
    fields |= {
        "id": st.uuids().map(str),
        "call_sid": texts,
        "direction": st.sampled_from([None, *map(str, DIRECTIONS)]),
        "status": st.sampled_from([str(status) for status in STATUSES]),
        "duration_seconds": _counts,
        "ring_seconds": _counts,
        "escalated": st.booleans(),
        "created_at": st.builds(utc_text, _instants_us),
        "answered_at": times,
        "ended_at": times,
        "from_number": _parties,
        "to_number": _parties,
        "hangup_cause": _codes,
        "sip_code": _codes,
        "escalation": _known("target", "initiated_by", "reason"),
        "transfer": _known("target", "outcome"),
        "cost": st.none() | st.fixed_dictionaries({"amount": _amounts, "currency": st.none() | texts}),
        "tags": st.lists(texts, max_size=3),
        "metadata": st.none() | st.dictionaries(_names, _json, max_size=4),
        "conflicts": st.integers(0, 2**31),
    }
    return st.builds(Call, **fields)


def _sealed(call: Call, revision: int, updated_us: int) -> bytes:
    return finish_record(encode_body(call), revision, updated_us)


standing = st.builds(_sealed, _calls(), st.integers(1, 2**53), _instants_us)
erased = st.builds(erased_document, st.uuids().map(lambda each: each.bytes), _instants_us)
records = st.lists(standing | erased, min_size=1, max_size=5)


def joined(sealed: list[bytes]) -> bytes:
    """As the list has them."""
    return LINE_FEED.join(sealed)


def decoded(sealed: list[bytes]) -> list[Json]:
    """The calls as JSON has them; those that were not erased with that said."""
    return [{"erased": None, **json.loads(each)} for each in sealed]


def plain(**fields: object) -> bytes:
    """One record of little but what `fields` say."""
    nothing: Json = dict.fromkeys(Call.__struct_fields__)
    reported: Json = {
        **nothing,
        "id": "7ef37557-2291-861d-8cb6-43c3ea2a684b",
        "call_sid": "CA1",
        "status": "completed",
        "escalated": False,
        "created_at": "2026-10-25T00:30:00.000001Z",
        "tags": [],
        "conflicts": 0,
        **fields,
    }
    assert reported.keys() < {*CALL_FIELDS}
    return finish_record(encode_body(Call(**reported)), 4, 1_795_000_000_000_000)
