"""Sample requests and exports for the contract test: `SAMPLES` in the `samples.py` of each provider.

Bodies have the provider's real shape with our own values. `sign` uses the vendor's SDK if that can sign, so
that an independent implementation confirms our reading of the scheme.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.times import parse_instant
from calltally.providers.callback import Callback

# The time at which the requests of a story are sent and received.
NOW_US: Final = parse_instant("2026-08-22T09:00:00Z")
HOST: Final = "https://calls.example"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"

Secrets: TypeAlias = Mapping[str, str]
Headers: TypeAlias = dict[str, str]


class Sent(NamedTuple):
    """A request before it is signed. `query` excludes the question mark."""

    body: bytes = b""
    content_type: str = JSON
    method: str = "POST"
    query: str = ""


# Arguments: the request, its URL with the query, the secrets and the time of signing (microseconds UTC).
Sign: TypeAlias = Callable[[Sent, str, Secrets, int], Headers]


class Records(NamedTuple):
    """An export in the provider's format, and the expected fields of its calls by SID."""

    file: bytes
    calls: Mapping[str, Mapping[str, Any]]


class Samples(NamedTuple):
    """Samples of one provider.

    `story` contains all requests of a few calls, in the provider's order. `calls` contains the expected final
    fields of their records by SID: the relevant public fields. `unknown` is a request with an unknown word,
    and the word; `unnamed` is a request without a call id. `other_secrets` have the same form and are not
    stored. `tolerance_s` is the maximum age of a signature; None if the scheme has no time. `signs_body` is
    False for schemes that only send a secret. `vendor` is the module that makes the signatures, or verifies
    those of `sign` in a test; `no_vendor` is the reason why there is none.
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
    """Return the samples of one provider."""
    found: Samples = import_module(f"tests.unit.providers.{name}.samples").SAMPLES
    return found


def records_of(name: str) -> Records:
    """Return a provider's export. A provider without callbacks has `RECORDS` instead of `SAMPLES`."""
    module = import_module(f"tests.unit.providers.{name}.samples")
    found = module.SAMPLES.records if hasattr(module, "SAMPLES") else module.RECORDS
    assert isinstance(found, Records), f"{name} reads exports, and its samples have none"
    return found


def mapping_of(name: str) -> str:
    """Return the mapping of the generic provider; empty for all others."""
    module = import_module(f"tests.unit.providers.{name}.samples")
    return str(module.SAMPLES.secrets.get("mapping", "")) if hasattr(module, "SAMPLES") else ""


def published_fields(name: str) -> list[str]:
    """Return the fields that the vendor publishes and no sample has, as paths such as `legs[].id`."""
    file = Path(__file__).parent / name / "published_fields.txt"
    return file.read_text().split() if file.exists() else []


def published_words(name: str) -> list[list[str]]:
    """Return the words that the vendor publishes, with our readings. The first row is the header."""
    file = Path(__file__).parent / name / "ended_reasons.csv"
    return [line.split(",") for line in file.read_text().split()] if file.exists() else []


def path_of(name: str, sent: Sent) -> str:
    """Return the path and query that a provider calls."""
    return f"/api/v1/ingest/{name}/acme" + (f"?{sent.query}" if sent.query else "")


def signed(name: str, sent: Sent, *, secrets: Secrets | None = None, at_us: int = NOW_US) -> Callback:
    """Return a request that arrives at the time of its signature."""
    samples, url = samples_of(name), HOST + path_of(name, sent)
    stored = samples.secrets if secrets is None else secrets
    headers = samples.sign(sent, url, stored, at_us)
    content_type = {"content-type": sent.content_type} if sent.content_type else {}
    mapping = stored.get("mapping", "")
    return Callback(sent.method, url, {**content_type, **headers}, sent.body, at_us, mapping=mapping)


def received(callback: Callback, at_us: int) -> Callback:
    """Return the same request with another time of receipt."""
    return msgspec.structs.replace(callback, received_us=at_us)
