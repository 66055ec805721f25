"""How fast the data itself came in."""

from bench.lab import Lab
from bench.table import Row, context


async def loading(lab: Lab) -> list[Row]:
    """The bulk load that made the database: one fact a call, as from a provider's list of past calls."""
    dataset = await lab.dataset()
    taken = f"{dataset.calls:,} calls in {dataset.calls / dataset.facts_per_s:,.0f} s"
    return [context("bulk load through the ledger", f"{dataset.facts_per_s:,.0f} facts/s", taken)]
