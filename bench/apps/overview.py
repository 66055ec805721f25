"""The service at a fixed time in the last day of the data: the overview shows today, and the data ends."""

import os
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from bench.traffic import END_US
from calltally.calls.times import SECOND_US
from calltally.store.backends.open import open_store
from calltally.store.tenants.vault import Vault
from calltally.web.app import create_app
from calltally.web.auth.keyring import KeyRing
from calltally.web.auth.token_bucket import RateLimits
from calltally.web.request.dependencies import Dependencies

URL: Final = "BENCH_DATABASE_URL"
# 14:25 of the last day, a Monday.
NOW_US: Final = END_US - (9 * 3_600 + 2_100) * SECOND_US
_ADMIN_KEY: Final = "no administrator signs in here: this key is unused"


def _clock() -> int:
    return NOW_US


def _service() -> ASGIApp:
    store = open_store(os.environ[URL], _clock)
    return create_app(
        Dependencies(
            store=store,
            clock=_clock,
            keys=KeyRing(store, _clock, _ADMIN_KEY),
            limits=RateLimits(0, _clock),
            vault=Vault(bytes(32)),
        )
    )


_services: Final[list[ASGIApp]] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve. The store needs the event loop of the server, so it is opened by the first message."""
    if not _services:
        _services.append(_service())
    await _services[0](scope, receive, send)
