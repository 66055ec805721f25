from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.store.tenants.vault import Vault
from calltally.web.dashboard.sign_in.session_cookie import (
    IDLE_US,
    MAX_SESSION_US,
    DashboardSession,
    SignedOut,
    open_session,
)

NOW_US = 1_790_000_000_000_000
VAULT = Vault(bytes(32))


def test_sealed_session_opens() -> None:
    session = DashboardSession.start("ct_acme_secret", "acme", NOW_US)
    assert open_session(VAULT, session.seal(VAULT), NOW_US) == session


def test_a_cookie_does_not_show_the_key_and_is_safe_in_a_header() -> None:
    sealed = DashboardSession.start("ct_acme_secret", "", NOW_US).seal(VAULT)
    assert "ct_acme" not in sealed
    assert set(sealed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_each_session_has_its_own_csrf_token() -> None:
    assert DashboardSession.start("k", "", NOW_US).csrf != DashboardSession.start("k", "", NOW_US).csrf


@pytest.mark.parametrize(
    ("began_us", "seen_us"),
    [(NOW_US - IDLE_US - 1, NOW_US - IDLE_US - 1), (NOW_US - MAX_SESSION_US - 1, NOW_US)],
    ids=["rested too long", "lasted too long"],
)
def test_expired_session_does_not_open(began_us: int, seen_us: int) -> None:
    session = DashboardSession("k", "", "c", began_us, seen_us)
    with pytest.raises(SignedOut, match="expired"):
        open_session(VAULT, session.seal(VAULT), NOW_US)


def test_used_session_is_renewed() -> None:
    session = DashboardSession.start("k", "", NOW_US)
    worn = [session.needs_renewal(NOW_US + minutes * 60_000_000) for minutes in (0, 14, 16)]
    assert worn == [False, False, True]
    assert all(not later or earlier <= later for earlier, later in pairwise(worn))


@given(st.integers(min_value=0), st.integers(0, 255))
def test_changed_cookie_does_not_open(index: int, to: int) -> None:
    sealed = DashboardSession("k", "", "c", NOW_US, NOW_US).seal(VAULT)
    index %= len(sealed)
    changed = sealed[:index] + chr(to) + sealed[index + 1 :]
    try:
        assert open_session(VAULT, changed, NOW_US).key == "k"
    except SignedOut:
        return
    # The last base64 character has unused bits, so a change of it may have no effect. Changes of other
    # characters must.
    assert changed[:-1] == sealed[:-1]


@pytest.mark.parametrize("cookie", [None, "", "x", "A" * 5_000, "ü", "AAAA"])
def test_invalid_cookie_is_signed_out(cookie: str | None) -> None:
    with pytest.raises(SignedOut):
        open_session(VAULT, cookie, NOW_US)


def test_key_of_another_service_does_not_open() -> None:
    sealed = DashboardSession.start("k", "", NOW_US).seal(Vault(bytes([1]) * 32))
    with pytest.raises(SignedOut):
        open_session(VAULT, sealed, NOW_US)
