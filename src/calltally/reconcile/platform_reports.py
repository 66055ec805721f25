"""What a voice-agent platform itself told of a call, whoever carries it and whoever decides its record.

A platform's call and the carrier's are one record here, under the carrier's SID and with its times. Compared
with the platform's list is what the platform said of it, under the platform's own id.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from calltally.calls.events import Fact
from calltally.calls.model import FINAL, Status
from calltally.reconcile.against_provider import Terms
from calltally.reconcile.provider_sides import OurCall, Pair, talk_of


def reference_of(call: OurCall, terms: Terms) -> str | None:
    """Under which id the provider may list one of our calls; None for one that cannot be its own.

    A platform's call is named by its session, which has the platform's id unless the tenant gave it another:
    then the ledger is asked by the platform's id.
    """
    if not terms.by_platform:
        return call.call_sid
    return call.session_id or (call.call_sid if call.provider == terms.provider else None)


def needs_a_look(pair: Pair, terms: Terms) -> bool:
    """Whether the ledger has to be asked what the platform told: the record does not say."""
    is_ours = pair.ours is not None and terms.has(pair.ours.created_us)
    return terms.by_platform and (is_ours or pair.theirs is not None)


def as_told(pair: Pair, facts: Iterable[Fact], terms: Terms) -> Pair:
    """The pair by what the platform told; without our side where it told nothing."""
    told = sorted((fact for fact in facts if fact.provider == terms.provider), key=_order)
    if pair.ours is None or not told:
        return pair._replace(ours=None)
    last = told[-1]
    final = [fact for fact in told if fact.said.get("status") in FINAL]
    ours = replace(
        pair.ours,
        status=(final or told)[-1].said.get("status", Status.QUEUED),
        duration_seconds=talk_of(final[-1].said) if final else None,
        provider=terms.provider,
        account=last.account if terms.account else "",
    )
    return pair._replace(call_sid=last.call_sid, ours=ours)


def _order(fact: Fact) -> tuple[Any, ...]:
    return fact.order
