"""Dead letters: authentic requests that could not be parsed, stored whole until a release can parse them."""

from typing import Final, NamedTuple

from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Statement, StoreOperation

ANY_PROVIDER: Final = ""


class NewDeadLetter(NamedTuple):
    """A request to store. `letter_id` (16 bytes) is a hash of its content: an equal request is a repeat."""

    letter_id: bytes
    provider: str
    received_us: int
    reason: str
    request: bytes


class DeadLetter(NamedTuple):
    """A dead letter that waits for a replay. `repeats` counts how often the same request came again."""

    letter_id: bytes
    provider: str
    received_us: int
    reason: str
    request: bytes
    repeats: int


def put_dead_letter(tenant: str, letter: NewDeadLetter, *, waits: bool = True) -> StoreOperation[int]:
    """Store a letter and return how often it came before.

    A letter that does not wait for a replay is settled at once: it is stored without an alert.
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
    includes_settled: bool = False,
) -> StoreOperation[list[DeadLetter]]:
    """List letters that wait for a replay, oldest first, after `after`. Raises DamagedStore.

    With `includes_settled`, the list has letters that were settled at once too.
    """
    after_us, after_id = (after.received_us, after.letter_id) if after else (-1, b"")
    params = {
        "tenant": tenant,
        "provider": provider,
        "after_us": after_us,
        "after_id": after_id,
        "limit": limit,
        "kept": int(includes_settled),
    }
    rows = yield Statement("list_dead_letters", params)
    letters = [DeadLetter(*row) for row in rows]
    return [letter._replace(request=body_codec.decompress(letter.request)) for letter in letters]


def settle_dead_letter(tenant: str, letter_id: bytes, now_us: int) -> StoreOperation[None]:
    """Mark a letter as replayed: its facts are in the ledger."""
    yield Statement("settle_dead_letter", {"tenant": tenant, "letter_id": letter_id, "now_us": now_us})


def explain_dead_letter(tenant: str, letter_id: bytes, reason: str) -> StoreOperation[None]:
    """Store the reason why a letter cannot be parsed today."""
    yield Statement("explain_dead_letter", {"tenant": tenant, "letter_id": letter_id, "reason": reason})


def count_dead_letters(tenant: str) -> StoreOperation[dict[str, int]]:
    """Count the letters that wait for a replay, by provider."""
    rows = yield Statement("count_dead_letters", {"tenant": tenant})
    return dict(rows)
