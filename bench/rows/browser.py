"""Paint times of pages in a real Chromium, and the smoothness of a long page's scrolling."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.lab import Lab
from bench.processes import Missing, Server, service
from bench.rows.dashboard import signed_in
from bench.rows.pages import page_path
from bench.table import Row, micros, within
from bench.timing import percentile

_ROOT: Final = Path(__file__).parents[2]
_BROWSER: Final = "/usr/bin/chromium"
_DEADLINE_S: Final = 600
_PAINT_MS: Final = 500
# At 60 frames a second.
_FRAME_MS: Final = 1_000 / 60
_SHARE: Final = 0.95


async def browser(lab: Lab) -> list[Row]:
    """First paints, and the frames of a scroll through 1,000 rows."""
    program = os.environ.get("CALLTALLY_BROWSER", _BROWSER)
    if shutil.which(program) is None:
        raise Missing(f"there is no browser at {program}: apt-get install chromium")
    dataset = await lab.dataset()
    async with service(dataset.url, probe=page_path(1), key=dataset.key) as server:
        measured = await asyncio.to_thread(_measure, server, signed_in(server, dataset.key))
    paints = [_painted(name, taken_ms) for name, taken_ms in measured["paints"].items()]
    return [*paints, *(_scrolled(name, frames) for name, frames in measured["scrolls"].items())]


def _measure(server: Server, cookie: str) -> Any:  # noqa: ANN401 (JSON)
    """Run interop/browser/painting.py in the environment that it needs."""
    variables = {"SCRIPT": "painting.py", "CALLTALLY_COOKIE": cookie}
    variables["CALLTALLY_URL"] = f"http://127.0.0.1:{server.port}"
    done = subprocess.run(
        [str(_ROOT / "interop" / "run"), "browser"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=_DEADLINE_S,
    )
    if done.returncode:
        raise RuntimeError(f"interop/run browser ended with {done.returncode}: {done.stderr[-500:]}")
    [line] = [each for each in done.stdout.splitlines() if each.startswith("{")]
    return json.loads(line)


def _painted(name: str, taken_ms: Sequence[float]) -> Row:
    middle_ms = median(taken_ms)
    return within(
        f"first paint of {name}, median",
        micros(middle_ms / 1_000),
        against=f"slowest of {len(taken_ms)}: {micros(max(taken_ms) / 1_000)}",
        target=f"under {_PAINT_MS} ms",
        met=middle_ms < _PAINT_MS,
    )


def _scrolled(name: str, frames: Mapping[str, Sequence[float]]) -> Row:
    """By the work of the page's main thread; when frames come depends on who else has the processors."""
    work_ms = frames["work_ms"]
    p95_ms = percentile(work_ms, _SHARE)
    late = sum(each > _FRAME_MS for each in work_ms) / len(work_ms)
    return within(
        f"a frame of scrolling through 1,000 rows, {name} wide: the main thread's work, p95",
        f"{micros(p95_ms / 1_000)} CPU",
        against=(
            f"median {micros(median(work_ms) / 1_000)}, {late:.1%} too long;"
            f" frames came every {micros(median(frames['between_ms']) / 1_000)}"
        ),
        target="under 16.7 ms",
        met=p95_ms < _FRAME_MS,
    )
