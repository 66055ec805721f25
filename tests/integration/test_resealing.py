"""Rotating the key that secrets are encrypted with."""

from base64 import b64encode

import pytest

from calltally.alerts.notify.notifier import sink_seal_name
from calltally.calls.errors import Misconfigured
from calltally.store.maintenance.key_rotation import ResealedSecrets, reseal_tenant, sink_name
from calltally.store.tenants.vault import Vault, find_provider_secrets, put_provider_secrets
from calltally.store.webhooks.endpoints import (
    EndpointSettings,
    add_endpoint,
    need_endpoint,
    rotate_secret,
    seal_secret,
)
from tests.conftest import NOW_US, TENANT, Bench

OLD, NEW = b"o" * 32, b"n" * 32
ENDPOINT = b"e" * 16


def test_after_it_the_former_key_is_not_needed(bench: Bench) -> None:
    write, read = bench.store.write, bench.store.read
    old = Vault(OLD)
    bench.run(write(put_provider_secrets(TENANT, "twilio", old.seal(TENANT, "twilio", {"a": "b"}), NOW_US)))
    first, second = (f"whsec_{b64encode(word).decode()}" for word in (b"first", b"second"))
    sealed = seal_secret(old, TENANT, ENDPOINT, first)
    bench.run(write(add_endpoint(TENANT, ENDPOINT, EndpointSettings("https://h.example/"), sealed, NOW_US)))
    newer = seal_secret(old, TENANT, ENDPOINT, second)
    bench.run(write(rotate_secret(TENANT, ENDPOINT, newer, NOW_US + 1, NOW_US)))
    with pytest.raises(Misconfigured):
        bench.run(write(reseal_tenant(TENANT, Vault(NEW))))
    done = bench.run(write(reseal_tenant(TENANT, Vault(NEW, OLD))))
    assert done == ResealedSecrets(TENANT, providers=1, webhook_endpoints=1, alert_sinks=0)
    kept = bench.run(read(find_provider_secrets(TENANT, "twilio")))
    assert kept is not None
    assert Vault(NEW).open(TENANT, "twilio", kept) == {"a": "b"}
    endpoint = bench.run(read(need_endpoint(TENANT, ENDPOINT)))
    assert endpoint.secrets(Vault(NEW), TENANT, NOW_US) == [second, first]
    assert bench.run(write(reseal_tenant(TENANT, Vault(NEW)))) == done


def test_the_settings_of_alert_sinks_are_among_them() -> None:
    assert sink_name(ENDPOINT) == sink_seal_name(ENDPOINT)
