"""Answers of requests with an Idempotency-Key, so that a repeated request gets the first one again."""

from typing import Final, NamedTuple

from calltally.calls.times import DAY_US
from calltally.store.db.operation import Statement, StoreOperation

# A client that repeats later than this gets a second object.
KEPT_US: Final = DAY_US
# Requests without a tenant are the operator's. No tenant has this id.
OPERATOR: Final = "-"


class KeptAnswer(NamedTuple):
    """Digest of the first request, and its encrypted answer; both are None until that request has ended."""

    digest: bytes | None
    answer: bytes | None


def claim_answer(tenant: str, name: bytes, now_us: int) -> StoreOperation[KeptAnswer | None]:
    """Claim a name for a request. Returns None if it is claimed now, else what the first request left."""
    named = {"tenant": tenant, "name": name}
    yield Statement("drop_old_answer", {**named, "before_us": now_us - KEPT_US})
    if (yield Statement("claim_answer", {**named, "now_us": now_us})):
        return None
    rows = yield Statement("find_answer", named)
    # Another node may have released the name meanwhile.
    return KeptAnswer(*rows[0]) if rows else KeptAnswer(None, None)


def keep_answer(tenant: str, name: bytes, kept: KeptAnswer) -> StoreOperation[None]:
    yield Statement("keep_answer", {"tenant": tenant, "name": name, **kept._asdict()})


def release_answer(tenant: str, name: bytes) -> StoreOperation[None]:
    """Forget the claim of a request that failed, so that it can be repeated."""
    yield Statement("release_answer", {"tenant": tenant, "name": name})


def has_old_answers(tenant: str, now_us: int) -> StoreOperation[bool]:
    return bool((yield Statement("old_answers", {"tenant": tenant, "before_us": now_us - KEPT_US})))


def prune_answers(tenant: str, now_us: int, most: int) -> StoreOperation[int]:
    """Delete up to `most` answers that are older than KEPT_US. Returns their number."""
    params = {"tenant": tenant, "before_us": now_us - KEPT_US, "most": most}
    return len((yield Statement("prune_answers", params)))
