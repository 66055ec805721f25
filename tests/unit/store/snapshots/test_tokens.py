"""Tokens belong to one ledger and one kind, and cannot be made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import InvalidInput, SnapshotGone
from calltally.calls.fold import FOLD_VERSION
from calltally.store.snapshots import tokens
from calltally.store.snapshots.tokens import (
    POSITION,
    SNAPSHOT,
    LedgerHead,
    make_token,
    read_position,
    read_snapshot,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
ledger_heads = st.builds(
    LedgerHead,
    tenant=st.sampled_from(["acme", "bolt", "acme-2"]),
    revision=st.integers(7, 2**62),
    epoch=st.sampled_from(["epoch-1", "epoch-2", "e" * 100]),
    kept_from=st.just(0),
    erasures=st.integers(0, 9),
)
kinds = st.sampled_from([SNAPSHOT, POSITION])
ACME = LedgerHead("acme", 10, "epoch-1", 4, 0)


@given(ledger_heads, st.data())
def test_token_round_trip(ledger_head: LedgerHead, data: st.DataObject) -> None:
    revision = data.draw(st.integers(0, ledger_head.revision))
    snapshot = make_token(SNAPSHOT, ledger_head, revision)
    assert read_snapshot(ledger_head, snapshot) == read_position(ledger_head, snapshot) == revision
    position = make_token(POSITION, ledger_head, revision)
    assert read_position(ledger_head, position) == revision
    with pytest.raises(InvalidInput, match="a position of the change feed"):
        read_snapshot(ledger_head, position)


@given(ledger_heads, st.integers(0, 2**62))
def test_token_is_short_and_needs_no_escape_in_a_url(ledger_head: LedgerHead, revision: int) -> None:
    token = make_token(SNAPSHOT, ledger_head, revision)
    assert len(token) == 33
    assert set(token) <= set(LETTERS)


@given(ledger_heads, ledger_heads, kinds)
def test_token_is_valid_for_its_own_ledger_alone(made: LedgerHead, other: LedgerHead, kind: str) -> None:
    token = make_token(kind, made, 7)
    if made.epoch != other.epoch:
        with pytest.raises(SnapshotGone, match="another ledger, or to this one before it was restored"):
            read_position(other, token)
    elif made.tenant != other.tenant:
        with pytest.raises(InvalidInput, match="another tenant"):
            read_position(other, token)
    else:
        assert read_position(other, token) == 7


@given(ledger_heads, kinds, st.integers(1, 32), st.sampled_from(LETTERS))
def test_changed_token_is_refused(ledger_head: LedgerHead, kind: str, index: int, letter: str) -> None:
    token = make_token(kind, ledger_head, 7)
    changed = token[:index] + letter + token[index + 1 :]
    if changed != token:
        with pytest.raises((InvalidInput, SnapshotGone)):
            read_position(ledger_head, changed)


@pytest.mark.parametrize(
    "token",
    ["", "s", "7", "s0", "S" + "a" * 32, "s" + "A" * 32, "s" + "a" * 33, "s" + "a" * 31 + "\n", "x" * 33],
)
def test_invalid_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_snapshot(ACME, token)
    assert caught.value.faults[0].parameter == "snapshot"
    with pytest.raises(InvalidInput) as caught:
        read_position(ACME, token)
    assert caught.value.faults[0].parameter == "after"


def test_pruned_revision_is_gone_for_pages_but_not_for_the_feed() -> None:
    assert read_snapshot(ACME, make_token(SNAPSHOT, ACME, 4)) == 4
    old = make_token(SNAPSHOT, ACME, 3)
    with pytest.raises(SnapshotGone, match="begin again without it"):
        read_snapshot(ACME, old)
    assert read_position(ACME, old) == 3


@given(ledger_heads, kinds, st.integers(1, 2**62))
def test_token_of_a_future_revision_is_gone(ledger_head: LedgerHead, kind: str, beyond: int) -> None:
    """Commits were lost although the epoch is the same."""
    token = make_token(kind, ledger_head, ledger_head.revision + beyond)
    with pytest.raises(SnapshotGone, match="has lost or not reached; begin again"):
        read_position(ledger_head, token)


def test_token_of_another_fold_version_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(SNAPSHOT, ACME, 7)
    monkeypatch.setattr(tokens, "FOLD_VERSION", FOLD_VERSION + 1)
    with pytest.raises(SnapshotGone, match="an earlier version"):
        read_snapshot(ACME, token)


def test_token_of_a_revision_does_not_change_later() -> None:
    later = ACME._replace(revision=99, kept_from=5, erasures=3)
    assert make_token(SNAPSHOT, ACME, 7) == make_token(SNAPSHOT, later, 7)
