"""Providers' secrets at rest."""

import pytest

from calltally.calls.errors import DamagedStore, Misconfigured
from calltally.store.tenants.vault import Vault

SECRETS = {"auth_token": "s3cret-ü"}
OLD, NEW = bytes(32), b"n" * 32


def test_what_is_sealed_opens_for_the_same_tenant_and_provider() -> None:
    sealed = Vault(OLD).seal("acme", "twilio", SECRETS)
    assert Vault(OLD).open("acme", "twilio", sealed) == SECRETS
    assert b"s3cret" not in sealed
    assert sealed != Vault(OLD).seal("acme", "twilio", SECRETS)


@pytest.mark.parametrize(("tenant", "provider"), [("acme", "vapi"), ("bolt", "twilio"), ("", "acme\0twilio")])
def test_it_opens_for_nobody_else(tenant: str, provider: str) -> None:
    sealed = Vault(OLD).seal("acme", "twilio", SECRETS)
    with pytest.raises(DamagedStore, match="cannot be decrypted"):
        Vault(OLD).open(tenant, provider, sealed)


def test_changed_bytes_are_noticed() -> None:
    sealed = bytearray(Vault(OLD).seal("acme", "twilio", SECRETS))
    sealed[-1] ^= 1
    with pytest.raises(DamagedStore):
        Vault(OLD).open("acme", "twilio", bytes(sealed))
    with pytest.raises(DamagedStore):
        Vault(OLD).open("acme", "twilio", bytes(sealed[:5]))


def test_after_a_rotation_the_former_key_still_opens() -> None:
    old, rotated = Vault(OLD).seal("acme", "twilio", SECRETS), Vault(NEW, former=OLD)
    assert rotated.open("acme", "twilio", old) == SECRETS
    assert Vault(NEW).open("acme", "twilio", rotated.seal("acme", "twilio", SECRETS)) == SECRETS


NOT_OPENED = [b"", b"\x01", Vault(OLD).seal("acme", "twilio", SECRETS), b"\x02" * 40]


# Named, as a nonce in the name of a test would make it another test in each process.
@pytest.mark.parametrize("sealed", NOT_OPENED, ids=["nothing", "a head", "another key's", "another version"])
def test_without_the_key_the_setting_is_named(sealed: bytes) -> None:
    with pytest.raises(Misconfigured, match="CALLTALLY_FORMER_SECRET_KEY"):
        Vault(NEW).open("acme", "twilio", sealed)
