"""Wrapper of both clients, so that one test covers both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

from calltally.client import AsyncClient, Client

KEY = "ct_a-key-that-nobody-may-see"


class Either:
    """Client of one kind with the results of the other: values, and lists for iterators."""

    def __init__(self, kind: type[Client] | type[AsyncClient], runner: asyncio.Runner) -> None:
        self._kind = kind
        self._runner = runner
        self._opened: list[Any] = []

    def open(self, base: str, key: str = KEY, **options: Any) -> Callable[[Callable[[Any], Any]], Any]:  # noqa: ANN401 (any option)
        client = self._kind(base, key, **options)
        self._opened.append(client)
        return lambda work: self.finish(work(client))

    def finish(self, result: Any) -> Any:  # noqa: ANN401 (any result)
        if isinstance(result, Coroutine):
            return self._runner.run(result)
        if isinstance(result, AsyncIterator):
            return self._runner.run(_all(result))
        return list(result) if isinstance(result, Iterator) else result

    def close(self) -> None:
        for client in self._opened:
            self.finish(client.close())


async def _all(items: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in items]
