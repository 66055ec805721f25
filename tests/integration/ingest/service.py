"""Application over a bench's store, with a tenant that has a key, a secret and a route."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx2

from calltally.store.tenants.api_keys import add_key, mint_key
from calltally.store.tenants.routes import checked_route, put_route
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.web.app import create_app
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.request.dependencies import Dependencies
from tests.conftest import NOW_US, TENANT, Bench
from tests.unit.providers.twilio.signing import FORM, TOKEN, Pairs, repeated, sdk_signature

HOST = "http://test"
INGEST = f"/api/v1/ingest/twilio/{TENANT}"
SID = "CA" + "1" * 32
ACCOUNT = "AC" + "2" * 32
RINGING: Pairs = [
    ("CallSid", SID),
    ("AccountSid", ACCOUNT),
    ("CallStatus", "ringing"),
    ("Direction", "inbound"),
    ("From", "+14155550199"),
    ("To", "+14155550100"),
]

Answer = httpx2.Response
Content = bytes | AsyncIterator[bytes]


def outcomes(answer: Answer) -> list[str]:
    return [each["outcome"] for each in answer.json()["outcomes"]]


def slug(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("#")[2]


class Service:
    """Application that is called without a network."""

    def __init__(self, bench: Bench, *, public_url: str | None = None, trust_proxy: bool = False) -> None:
        self.bench = bench
        self.vault = Vault(bytes(32))

        def clock() -> int:
            return bench.now_us

        parts = Dependencies(
            store=bench.store,
            clock=clock,
            keys=KeyRing(bench.store, clock, "let-me-in"),
            limits=RateLimits(1, clock),
            vault=self.vault,
            public_url=public_url,
            trust_proxy=trust_proxy,
        )
        self.dependencies = parts
        app: Any = create_app(parts)
        self._transport = httpx2.ASGITransport(app)
        self.put_secret(TOKEN)
        route = checked_route("appointments", ["+14155550100"], agent="scheduler")
        bench.run(bench.store.write(put_route(TENANT, route, NOW_US)))

    def put_secret(self, token: str) -> None:
        sealed = self.vault.seal(TENANT, "twilio", {"auth_token": token})
        write = put_provider_secrets(TENANT, "twilio", sealed, NOW_US)
        self.bench.run(self.bench.store.write(write))

    def bearer(self, *scopes: str) -> dict[str, str]:
        key = mint_key(TENANT, scopes)
        self.bench.run(self.bench.store.write(add_key(TENANT, key, "test", NOW_US)))
        return {"authorization": f"Bearer {key.text}"}

    def request(self, method: str, path: str, body: Content = b"", headers: Mapping[str, str] = {}) -> Answer:
        return self.bench.run(self._request(method, path, body, headers))

    async def _request(self, method: str, path: str, body: Content, headers: Mapping[str, str]) -> Answer:
        async with httpx2.AsyncClient(transport=self._transport, base_url=HOST) as client:
            return await client.request(method, path, content=body, headers=dict(headers))

    def call_back(
        self, pairs: Pairs, *, path: str = INGEST, url: str | None = None, **headers: str
    ) -> Answer:
        """Send a form as Twilio does, signed by its SDK over `url` (default: the requested URL)."""
        signature = sdk_signature(url or HOST + path, repeated(pairs))
        sent = {"content-type": FORM, "x-twilio-signature": signature, **headers}
        return self.request("POST", path, urlencode(pairs).encode(), sent)

    def calls(self) -> list[dict[str, Any]]:
        listed = self.request("GET", "/api/v1/call-logs", headers=self.bearer("calls:read"))
        data: list[dict[str, Any]] = listed.json()["data"]
        return data

    def metric(self, line: str) -> bool:
        return line in self.request("GET", "/metrics").text.splitlines()
