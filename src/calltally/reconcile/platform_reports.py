"""Facts of a call that a voice-agent platform reported, even if another source decides the record.

A platform's call and the carrier's are one record here, with the carrier's SID and times. The platform's list
is compared with the platform's own facts, under the platform's own id.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from calltally.calls.events import Fact
from calltally.calls.model import FINAL, Status
from calltally.reconcile.against_provider import ProviderTerms
from calltally.reconcile.provider_sides import CallPair, OurCall, talk_seconds_of


def reference_of(call: OurCall, terms: ProviderTerms) -> str | None:
    """Return the id under which the provider may list our call; None for a call that cannot be its own.

    A platform's call is named by its session id, which is the platform's id unless the tenant set another.
    Then the ledger is searched for the platform's id.
    """
    if not terms.by_platform:
        return call.call_sid
    return call.session_id or (call.call_sid if call.provider == terms.provider else None)


def needs_recheck(pair: CallPair, terms: ProviderTerms) -> bool:
    """Return true if the platform's facts must be read from the ledger: the record does not contain them."""
    is_ours = pair.ours is not None and terms.is_in_window(pair.ours.created_us)
    return terms.by_platform and (is_ours or pair.theirs is not None)


def as_reported(pair: CallPair, facts: Iterable[Fact], terms: ProviderTerms) -> CallPair:
    """Return the pair with our side as the platform reported it, or without our side if it reported none."""
    reported = sorted((fact for fact in facts if fact.provider == terms.provider), key=_order)
    if pair.ours is None or not reported:
        return pair._replace(ours=None)
    last = reported[-1]
    final = [fact for fact in reported if fact.stated.get("status") in FINAL]
    ours = replace(
        pair.ours,
        status=(final or reported)[-1].stated.get("status", Status.QUEUED),
        duration_seconds=talk_seconds_of(final[-1].stated) if final else None,
        provider=terms.provider,
        account=last.account if terms.account else "",
    )
    return pair._replace(call_sid=last.call_sid, ours=ours)


def _order(fact: Fact) -> tuple[Any, ...]:
    return fact.order
