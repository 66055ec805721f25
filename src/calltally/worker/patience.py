"""Waiting that ends when the worker is to stop."""

import asyncio


async def rest(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, but no longer than until it is to stop; says whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
