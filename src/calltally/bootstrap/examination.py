"""Examination of the configured installation, for `calltally doctor` and the service."""

from collections.abc import Mapping
from functools import partial

from calltally.bootstrap.vaults import open_vault
from calltally.doctor.checks import Examination, examine
from calltally.doctor.gathering import Installation, gather_facts
from calltally.settings.fields import Settings
from calltally.store.db.interface import Store


async def examine_installation(
    settings: Settings, store: Store, now_us: int, other_clocks: Mapping[str, int] | None = None
) -> Examination:
    """Gather the facts and check them, also against other clocks, in microseconds UTC by name."""
    facts = await gather_facts(Installation(settings, store, partial(open_vault, settings)), now_us)
    return examine(facts._replace(other_clocks={**facts.other_clocks, **(other_clocks or {})}))
