"""Second check of a suspected finding: the ledger moves on, and lists become outdated."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from calltally.calls.errors import Erased
from calltally.calls.events import Channel, Fact
from calltally.providers.callback import UnreadableRecord
from calltally.reconcile.against_provider import CHECKED_AT_PROVIDER, ProviderTerms, as_reported, compare_pair
from calltally.reconcile.findings import Finding, FindingKind
from calltally.reconcile.provider_sides import (
    CallPair,
    OurCall,
    TheirCall,
    our_calls,
    talk_seconds_of,
    their_call,
)
from calltally.store.db.interface import Store
from calltally.store.ledger.lookup import facts_of_call, find_call

FetchCall: TypeAlias = Callable[[str], Awaitable[list[Fact | UnreadableRecord]]]

# With a wrong account every call would be suspected, and would cost a request.
MAX_REQUESTS = 1_000
_LIST_CHANNELS = frozenset({Channel.IMPORT, Channel.PROVIDER_LIST})
_DISPUTES = frozenset({FindingKind.CONTRADICTION, FindingKind.OTHER_DURATION})


class ConfirmedFinding(NamedTuple):
    """Finding that is still true, and both sides as of now."""

    finding: Finding
    pair: CallPair


class Recheck:
    """Second check of suspected findings. `fetch_call` fetches one SID from the provider; None: not possible.

    `requests` counts those requests. `disputed` counts calls whose status in the ledger differs although the
    ledger has the provider's fact, because other facts prove more. Those calls are disputed, not
    unreconciled.
    """

    def __init__(self, store: Store, tenant: str, fetch_call: FetchCall | None) -> None:
        self._store = store
        self._tenant = tenant
        self._fetch_call = fetch_call
        self.requests = 0
        self.disputed = 0

    async def confirm(self, pair: CallPair, terms: ProviderTerms) -> ConfirmedFinding | None:
        """Check a pair again in the ledger and, if needed, at the provider. Returns None if it agrees."""
        try:
            pair = pair._replace(ours=await self._ours(pair.call_sid))
            if terms.by_platform and pair.ours is not None:
                pair = as_reported(pair, await self._facts(pair.ours.call_sid), terms)
        except Erased:
            return None
        finding = compare_pair(pair, terms)
        if finding is not None and self._fetch_call is not None and self._may_fetch(finding, terms):
            pair, finding = await self._check_at_provider(pair, terms, self._fetch_call)
        if finding is None or await self._is_disputed(finding, pair.theirs):
            return None
        return ConfirmedFinding(finding, pair)

    async def _ours(self, call_sid: str) -> OurCall | None:
        record = await self._store.read_tenant(self._tenant, lambda: find_call(self._tenant, call_sid))
        return None if record is None else next(our_calls(record), None)

    def _may_fetch(self, finding: Finding, terms: ProviderTerms) -> bool:
        """Return true if the call may be fetched. A platform's list lacks carrier and conversation."""
        is_listed = terms.by_platform and finding.theirs is not None
        return is_listed or (finding.kind in CHECKED_AT_PROVIDER and self.requests < MAX_REQUESTS)

    async def _facts(self, call_sid: str) -> list[Fact]:
        stored = await self._store.read_tenant(self._tenant, lambda: facts_of_call(self._tenant, call_sid))
        return [each.fact for each in stored or ()]

    async def _check_at_provider(
        self, pair: CallPair, terms: ProviderTerms, fetch_call: FetchCall
    ) -> tuple[CallPair, Finding | None]:
        self.requests += 1
        reply = await fetch_call(pair.call_sid)
        facts = [item for item in reply if isinstance(item, Fact)]
        if reply and not facts:
            # The provider knows the call, but its reply is not readable: nothing is known of the call.
            return pair, compare_pair(pair, terms)
        pair = pair._replace(theirs=their_call(facts[0], with_fact=True) if facts else None)
        finding = compare_pair(pair, terms)
        if finding is not None and finding.kind in CHECKED_AT_PROVIDER:
            answer = "still lists it as open" if facts else "does not know it"
            finding = replace(finding, detail=f"{finding.detail}; {terms.provider} was asked and {answer}")
        return pair, finding

    async def _is_disputed(self, finding: Finding, theirs: TheirCall | None) -> bool:
        """Return true if the ledger has this very listing and still has another status."""
        if finding.kind not in _DISPUTES or theirs is None:
            return False
        is_recorded = any(
            fact.channel in _LIST_CHANNELS
            and fact.call_sid == theirs.call_sid
            and fact.stated.get("status") == theirs.status
            and talk_seconds_of(fact.stated) == theirs.duration_seconds
            for fact in await self._facts(theirs.call_sid)
        )
        self.disputed += is_recorded
        return is_recorded
