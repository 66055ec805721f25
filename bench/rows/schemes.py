"""Cost of each carrier's callback before the ledger: its signature, and its parser."""

import time
from collections.abc import Callable
from statistics import median
from typing import Final

from bench.lab import Lab
from bench.signed import Signed, signed
from bench.table import Row, context, micros, within
from calltally.ingest.callbacks import is_genuine, read_facts
from calltally.providers.registry import PROVIDERS

_ROUNDS: Final = 7
_ROUND: Final = 400
_LEAST_PER_S: Final = 3_000
# Of elliptic curves, by OpenSSL: measured and stated, and no scheme of ours to make faster.
_ED25519: Final = "telnyx"


async def schemes(_lab: Lab) -> list[Row]:
    """Verify and read, in turn over all carriers; the processor's time, so that others do not count."""
    samples = signed()
    for name, sample in samples.items():
        if not is_genuine(PROVIDERS[name], sample.callback, sample.secrets):
            message = f"the callback of {name} does not verify"
            raise AssertionError(message)
    verifying = _seconds(samples, _verify)
    reading = _seconds(samples, _read)
    rows = [
        context(
            f"a callback of {name}, verified and read",
            f"{micros(verifying[name] + reading[name])} CPU",
            f"its signature: {micros(verifying[name])}",
        )
        for name in samples
    ]
    slowest = max(verifying[name] + reading[name] for name in samples if name != _ED25519)
    rate = 1 / slowest
    slowest_row = within(
        "callbacks verified and read, the slowest scheme but Ed25519",
        f"{rate:,.0f}/s",
        target=f"at least {_LEAST_PER_S:,}/s",
        met=rate >= _LEAST_PER_S,
    )
    return [*rows, slowest_row]


def _verify(name: str, sample: Signed) -> None:
    is_genuine(PROVIDERS[name], sample.callback, sample.secrets)


def _read(name: str, sample: Signed) -> None:
    read_facts(PROVIDERS[name], sample.callback)


def _seconds(samples: dict[str, Signed], work: Callable[[str, Signed], None]) -> dict[str, float]:
    """The median of the processor's seconds for one, by carrier; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in samples}
    for _ in range(_ROUNDS):
        for name, sample in samples.items():
            started = time.process_time()
            for _ in range(_ROUND):
                work(name, sample)
            taken[name].append((time.process_time() - started) / _ROUND)
    return {name: median(each) for name, each in taken.items()}
