"""Callbacks that were not recorded: dead letters, and counts of wrong signatures.

A dead letter is an authentic request that could not be parsed, stored whole until a release can parse it.
"""

from typing import Final, NamedTuple

from calltally.calls.alert_counts import STEP_S
from calltally.calls.times import SECOND_US
from calltally.store.db.fact_codec import body_codec
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.tenants.tenants import find_tenant

ANY_PROVIDER: Final = ""


class DeadLetter(NamedTuple):
    """A request to replay, with its hash as id (16 bytes), and the number of its repeats."""

    letter_id: bytes
    provider: str
    received_us: int
    reason: str
    request: bytes
    repeats: int = 0


def put_dead_letter(tenant: str, letter: DeadLetter, *, waits: bool = True) -> StoreOperation[int]:
    """Store a letter, as settled unless it `waits` for a replay. Returns the number of earlier receipts."""
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
    """List letters to replay, and settled ones if wanted, oldest first. Raises DamagedStore."""
    after_us, after_id = (after.received_us, after.letter_id) if after else (-1, b"")
    page = {"after_us": after_us, "after_id": after_id, "limit": limit}
    params = {"tenant": tenant, "provider": provider, **page, "kept": int(includes_settled)}
    letters = [DeadLetter(*row) for row in (yield Statement("list_dead_letters", params))]
    return [letter._replace(request=body_codec.decompress(letter.request)) for letter in letters]


def browse_dead_letters(
    tenant: str, provider: str = ANY_PROVIDER, *, limit: int, offset: int
) -> StoreOperation[list[DeadLetter]]:
    """List letters to replay, newest first, without their requests."""
    params = {"tenant": tenant, "provider": provider, "limit": limit, "offset": offset}
    rows = yield Statement("browse_dead_letters", params)
    return [
        DeadLetter(letter_id, name, received_us, reason, b"", repeats)
        for letter_id, name, received_us, reason, repeats in rows
    ]


class StoredDeadLetter(NamedTuple):
    """A letter, and the time of its replay; None while it waits, the time of receipt if it needs none."""

    letter: DeadLetter
    replayed_us: int | None


def find_dead_letter(tenant: str, letter_id: bytes) -> StoreOperation[StoredDeadLetter | None]:
    """Return the letter with that id, replayed or not. Raises DamagedStore."""
    rows = yield Statement("find_dead_letter", {"tenant": tenant, "letter_id": letter_id})
    if not rows:
        return None
    letter = DeadLetter(*rows[0][:-1])
    return StoredDeadLetter(letter._replace(request=body_codec.decompress(letter.request)), rows[0][-1])


def settle_dead_letter(tenant: str, letter_id: bytes, now_us: int) -> StoreOperation[None]:
    """Mark a letter as replayed: its facts are in the ledger."""
    yield Statement("settle_dead_letter", {"tenant": tenant, "letter_id": letter_id, "now_us": now_us})


def explain_dead_letter(tenant: str, letter_id: bytes, reason: str) -> StoreOperation[None]:
    """Store the reason why a letter cannot be parsed today."""
    yield Statement("explain_dead_letter", {"tenant": tenant, "letter_id": letter_id, "reason": reason})


def count_dead_letters(tenant: str) -> StoreOperation[dict[str, int]]:
    """Count the letters that wait for a replay, by provider."""
    return dict((yield Statement("count_dead_letters", {"tenant": tenant})))


def record_failures(key: tuple[str, str], failures: int, now_us: int) -> StoreOperation[None]:
    """Add the failures of a tenant and provider to the current step. Does nothing for an unknown tenant."""
    tenant, provider = key
    if (yield from find_tenant(tenant)) is None:
        return
    step_s = now_us // SECOND_US // STEP_S * STEP_S
    counted = {"tenant": tenant, "provider": provider, "step_s": step_s, "failures": failures}
    yield Statement("count_signature_failures", counted)


def failures_since(tenant: str, from_s: int) -> StoreOperation[list[tuple[str, int, int]]]:
    """Return for each provider with failures their number and the first step that has any."""
    rows = yield Statement("signature_failures_since", {"tenant": tenant, "from_s": from_s})
    return [(provider, int(failures), first_s) for provider, failures, first_s in rows]


def drop_failures(tenant: str, before_s: int) -> StoreOperation[None]:
    """Delete older counts, which alerts no longer need."""
    yield Statement("drop_signature_failures", {"tenant": tenant, "before_s": before_s})
