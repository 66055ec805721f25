"""What the contract test wants to know of a provider: `samples.py` in its tests' folder has a `SAMPLES`.

Bodies are of the provider's real shape with values of our own; `sign` uses the vendor's own SDK where there
is one that signs, so that our reading of the scheme is not proved by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback

# When the requests of a story are sent and received.
NOW_US: Final = parse_instant("2026-08-22T09:00:00Z")
HOST: Final = "https://calls.example"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Secrets: TypeAlias = Mapping[str, str]
Headers: TypeAlias = dict[str, str]


class Sent(NamedTuple):
    """A request before it is signed. `query` is without its question mark."""

    body: bytes = b""
    content_type: str = JSON
    method: str = "POST"
    query: str = ""


# Told the request, its URL with the query, the secrets and the time of signing (microseconds UTC).
Sign: TypeAlias = Callable[[Sent, str, Secrets, int], Headers]


class Records(NamedTuple):
    """An export as the provider makes it: one document, or a line each; and what its calls are by SID."""

    file: bytes
    calls: Mapping[str, Mapping[str, Any]]


class Samples(NamedTuple):
    """One provider's.

    `story` is all that it sends of a few calls, in its order, and `calls` what their records say in the end,
    by SID: as many of the public fields as matter. `unknown` is a request with a word that is in no table,
    and the word; `unnamed` one that does not say which call it is of. `other_secrets` are of the same form,
    and not stored. `tolerance_s` is how old a signature may be; None where the scheme has no time.
    `signs_body` is False for schemes that only show a secret. `vendor` is the module whose code makes the
    signatures, or checks what `sign` makes in a test beside; `no_vendor` says why there is none.
    """

    secrets: Secrets
    other_secrets: Secrets
    sign: Sign
    story: Sequence[Sent]
    calls: Mapping[str, Mapping[str, Any]]
    unknown: tuple[Sent, str]
    unnamed: Sent
    tolerance_s: int | None = None
    signs_body: bool = True
    vendor: str = ""
    no_vendor: str = ""
    records: Records | None = None


def samples_of(name: str) -> Samples:
    """The samples of one provider."""
    found: Samples = import_module(f"tests.unit.providers.{name}.samples").SAMPLES
    return found


def records_of(name: str) -> Records:
    """A provider's export; one that has no callbacks has a `RECORDS` instead of `SAMPLES`."""
    module = import_module(f"tests.unit.providers.{name}.samples")
    found = module.SAMPLES.records if hasattr(module, "SAMPLES") else module.RECORDS
    assert isinstance(found, Records), f"{name} reads exports, and its samples have none"
    return found


def mapping_of(name: str) -> str:
    """The mapping by which a provider that nobody knows is read; empty for all others."""
    module = import_module(f"tests.unit.providers.{name}.samples")
    return str(module.SAMPLES.secrets.get("mapping", "")) if hasattr(module, "SAMPLES") else ""


def path_of(name: str, sent: Sent) -> str:
    """The path and query that a provider calls."""
    return f"/api/v1/ingest/{name}/acme" + (f"?{sent.query}" if sent.query else "")


def signed(name: str, sent: Sent, *, secrets: Secrets | None = None, at_us: int = NOW_US) -> Callback:
    """A request as it arrives at the moment at which it was signed."""
    samples, url = samples_of(name), HOST + path_of(name, sent)
    stored = samples.secrets if secrets is None else secrets
    headers = samples.sign(sent, url, stored, at_us)
    content_type = {"content-type": sent.content_type} if sent.content_type else {}
    mapping = stored.get("mapping", "")
    return Callback(sent.method, url, {**content_type, **headers}, sent.body, at_us, mapping=mapping)


def received(callback: Callback, at_us: int) -> Callback:
    """The same request, arriving at another time."""
    return msgspec.structs.replace(callback, received_us=at_us)
