"""A provider's list of calls over HTTP, as Twilio pages it, out of a file too long to sort for each page.

The folder named by the environment has Call resources, one a line, in the order of their starts. Source: page
"Call resource" of Twilio (read multiple: `StartTime>` and `StartTime<` include their second; newest first).
"""

import mmap
import os
from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from bench.planting import LISTED, OFFSETS, VARIABLE
from calltally.calls.times import SECOND_US, parse_instant

_MOST: Final = 1_000


class _Listed:
    """The lines where they lie in the file, each with the second of its start."""

    def __init__(self, folder: Path) -> None:
        with (folder / LISTED).open("rb") as file:
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        offsets = array("q", (folder / OFFSETS).read_bytes())
        self._starts, self._ends = offsets[::2], offsets[1::2]

    def page(self, path: str, query: dict[str, str]) -> bytes:
        """One page, and where the next one is."""
        first = bisect_left(self._starts, parse_instant(query["StartTime>"]) // SECOND_US)
        end = bisect_right(self._starts, parse_instant(query["StartTime<"]) // SECOND_US)
        end = min(end, int(query.get("PageToken", end)))
        begin = max(end - min(int(query["PageSize"]), _MOST), first)
        calls = b",".join(reversed(self._lines(begin, end)))
        following = f'"{path}?{urlencode({**query, "PageToken": begin})}"' if begin > first else "null"
        return b'{"calls":[%b],"next_page_uri":%b}' % (calls, following.encode())

    def _lines(self, begin: int, end: int) -> list[bytes]:
        starts_at = self._ends[begin - 1] if begin else 0
        return self._text[starts_at : self._ends[end - 1]].splitlines() if begin < end else []


_listed: Final = _Listed(Path(os.environ[VARIABLE]))


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
    """The list; whoever asks for anything else is told that it is not there."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    status, body = _answer(scope["path"], dict(parse_qsl(scope["query_string"].decode())))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(path: str, query: dict[str, str]) -> tuple[int, bytes]:
    if path.endswith("/Calls.json"):
        return 200, _listed.page(path, query)
    return (200, b"{}") if path == "/" else (404, b'{"code":20404,"status":404}')
