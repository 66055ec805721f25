"""Dead letters: genuine requests that could not be read, kept whole until the code understands them."""

from typing import Final, NamedTuple

from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Statement, StoreOperation

ANY_PROVIDER: Final = ""


class NewLetter(NamedTuple):
    """What is kept of a request. `letter_id` (16 bytes) is of its content: the same again is a repeat."""

    letter_id: bytes
    provider: str
    received_us: int
    reason: str
    request: bytes


class DeadLetter(NamedTuple):
    """One that waits for a replay. `repeats` is how often it came again."""

    letter_id: bytes
    provider: str
    received_us: int
    reason: str
    request: bytes
    repeats: int


def put_dead_letter(tenant: str, letter: NewLetter, *, waits: bool = True) -> StoreOperation[int]:
    """Keep a letter; the answer is how often it had come before.

    One that waits for no replay is settled when it comes: it is kept, and nobody is alerted.
    """
    params = {"tenant": tenant, **letter._asdict(), "request": body_codec.compress(letter.request)}
    settled_us = None if waits else letter.received_us
    rows = yield Statement("put_dead_letter", {**params, "replayed_us": settled_us})
    repeats: int = rows[0][0]
    return repeats


def list_dead_letters(
    tenant: str,
    provider: str = ANY_PROVIDER,
    *,
    after: DeadLetter | None = None,
    limit: int = 100,
    kept: bool = False,
) -> StoreOperation[list[DeadLetter]]:
    """Letters that wait for a replay, oldest first, from behind `after`. Raises DamagedStore.

    With `kept` those that were settled when they came too, which wait for nothing.
    """
    after_us, after_id = (after.received_us, after.letter_id) if after else (-1, b"")
    params = {
        "tenant": tenant,
        "provider": provider,
        "after_us": after_us,
        "after_id": after_id,
        "limit": limit,
        "kept": int(kept),
    }
    rows = yield Statement("list_dead_letters", params)
    letters = [DeadLetter(*row) for row in rows]
    return [letter._replace(request=body_codec.decompress(letter.request)) for letter in letters]


def settle_dead_letter(tenant: str, letter_id: bytes, now_us: int) -> StoreOperation[None]:
    """Mark a letter as understood: what it says is in the ledger."""
    yield Statement("settle_dead_letter", {"tenant": tenant, "letter_id": letter_id, "now_us": now_us})


def explain_dead_letter(tenant: str, letter_id: bytes, reason: str) -> StoreOperation[None]:
    """Keep why a letter is not understood today."""
    yield Statement("explain_dead_letter", {"tenant": tenant, "letter_id": letter_id, "reason": reason})


def count_dead_letters(tenant: str) -> StoreOperation[dict[str, int]]:
    """How many wait for a replay, by provider."""
    rows = yield Statement("count_dead_letters", {"tenant": tenant})
    return dict(rows)
