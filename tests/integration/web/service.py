"""The whole application over one store, called without a network."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx2
from litestar.types import ASGIApp

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.db.operation import StoreOperation
from calltally.store.jobs.folders import JobFolders
from calltally.store.tenants.api_keys import add_key, mint_key
from calltally.store.tenants.vault import Vault
from calltally.web.app import create_app
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.request.dependencies import Dependencies
from tests.conftest import NOW_US, TENANT, Bench

ADMIN = {"x-admin-key": "let-me-in"}
LIST = "/api/v1/call-logs"

Answer = httpx2.Response
T = TypeVar("T")
Message = dict[str, Any]


class Service:
    """Store behind HTTP, with a key that may read calls."""

    def __init__(
        self,
        bench: Bench,
        *,
        store: Store | None = None,
        per_minute: int = 1000,
        public_url: str | None = None,
        folders: JobFolders | None = None,
    ) -> None:
        self.bench = bench

        def clock() -> int:
            return bench.now_us

        self.deps = Dependencies(
            store=store or bench.store,
            clock=clock,
            keys=KeyRing(bench.store, clock, ADMIN["x-admin-key"]),
            limits=RateLimits(per_minute, clock),
            vault=Vault(bytes(32)),
            public_url=public_url,
            folders=folders,
        )
        self.app: Any = create_app(self.deps)
        self.key = self.new_key("calls:read")

    def new_key(self, *scopes: str, tenant: str = TENANT) -> dict[str, str]:
        """Create a key and return its header."""
        key = mint_key(tenant, scopes)
        self.bench.run(self.bench.store.write(add_key(tenant, key, "test", NOW_US)))
        return {"authorization": f"Bearer {key.text}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        """Send a request, with the reading key unless `headers` are given."""
        return self.bench.run(self._request(method, path, self.key if headers is None else headers))

    def send(self, path: str, body: object, headers: Mapping[str, str], method: str = "POST") -> Answer:
        """Send a JSON body."""
        content = json.dumps(body).encode()
        named = {"content-type": "application/json", **headers}
        return self.bench.run(self._request(method, path, named, content))

    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes = b""
    ) -> Answer:
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=dict(headers), content=content)

    def raw(
        self,
        method: str,
        path: bytes,
        headers: Mapping[bytes, bytes] | None = None,
        *,
        body: Sequence[Message] = (),
        app: ASGIApp | None = None,
        query: bytes = b"",
    ) -> list[Message]:
        """Send a hand-made ASGI scope that no client would send. Reading beyond `body` fails."""
        sent: list[Message] = []
        incoming = iter(body)

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return next(incoming)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path.decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list((headers or {}).items()),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        served: Any = app or self.app
        self.bench.run(served(scope, receive, send))
        return sent

    def report(
        self, call_sid: str, stated: StatedFields, *, raw: bytes = b"{}", tenant: str = TENANT
    ) -> SubmissionResult:
        """Record one fact, one second later than the previous one."""
        self.bench.now_us += 1_000_000
        now_us = self.bench.now_us
        digest = content_digest([call_sid, now_us])
        fact = Fact(call_sid, Channel.CALLBACK, "twilio", "", "", None, now_us, now_us, digest, stated, raw)
        return self.bench.run(self.bench.store.submit([Submission(tenant, fact)]))[0]


class Broken:
    """Store that fails at every call."""

    dialect = "sqlite"
    queued_writes = 0
    stalled_s = 0.0

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.closed = 0

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        del long
        return await self.write(operation)

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        del tenant, at_least
        return await self.read(make(), long=long)

    async def write(self, operation: StoreOperation[T]) -> T:
        operation.close()
        raise self.error

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        del submissions, in_one_commit
        raise self.error

    async def close(self) -> None:
        self.closed += 1


def slug(answer: Answer) -> str:
    """Return the problem slug, after checking the shape of RFC 9457 and the contract."""
    assert answer.headers["content-type"] == "application/problem+json"
    reported = answer.json()
    assert list(reported) == ["type", "title", "status", "detail", "instance", "request_id", "errors"]
    assert reported["status"] == answer.status_code
    assert reported["request_id"] == answer.headers["x-request-id"]
    assert all(list(error) == ["parameter", "detail"] for error in reported["errors"])
    prefix, _, named = reported["type"].partition("#")
    assert prefix == "/docs/problems"
    return str(named)


def invalid_parameters(answer: Answer) -> list[str]:
    """Return the parameters that a 400 names."""
    assert (answer.status_code, slug(answer)) == (400, "invalid-parameter")
    return [error["parameter"] for error in answer.json()["errors"]]
