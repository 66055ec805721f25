"""A suspicion looked at once more before it is a finding: the ledger moves on, and lists grow old."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from calltally.calls.errors import Erased
from calltally.calls.events import Door, Fact
from calltally.providers.callback import Refusal
from calltally.reconcile.against_provider import Terms, is_asked, judge
from calltally.reconcile.findings import Finding, Kind
from calltally.reconcile.platform_reports import as_told
from calltally.reconcile.provider_sides import OurCall, Pair, TheirCall, our_calls, talk_of, their_call
from calltally.store.db.interface import Store
from calltally.store.ledger.lookup import facts_of_call, find_call

Ask: TypeAlias = Callable[[str], Awaitable[list[Fact | Refusal]]]

# A wrong account would make every call a suspicion, and each of them a request.
MOST_ASKED = 1_000
_LISTS = frozenset({Door.IMPORT, Door.PROVIDER_LIST})
_DISPUTES = frozenset({Kind.CONTRADICTION, Kind.OTHER_DURATION})


class Confirmed(NamedTuple):
    """A finding that still stands, and both sides as they are now."""

    finding: Finding
    pair: Pair


class Recheck:
    """Looks at suspicions again. `ask` asks the provider about one SID, None where it cannot be asked.

    `asked` counts those questions. `kept` counts calls where the ledger has the provider's word already and
    came to another state all the same, because other facts prove more: they are disputed, not unreconciled.
    """

    def __init__(self, store: Store, tenant: str, ask: Ask | None) -> None:
        self._store = store
        self._tenant = tenant
        self._ask = ask
        self.asked = 0
        self.kept = 0

    async def confirm(self, pair: Pair, terms: Terms) -> Confirmed | None:
        """What is left of a pair's finding after a look at the ledger and, where need be, at the provider."""
        try:
            pair = pair._replace(ours=await self._ours(pair.call_sid))
            if terms.by_platform and pair.ours is not None:
                pair = as_told(pair, await self._facts(pair.ours.call_sid), terms)
        except Erased:
            return None
        finding = judge(pair, terms)
        if finding is not None and self._ask is not None and self._may_ask(finding, terms):
            pair, finding = await self._asked(pair, terms, self._ask)
        if finding is None or await self._is_kept(finding, pair.theirs):
            return None
        return Confirmed(finding, pair)

    async def _ours(self, call_sid: str) -> OurCall | None:
        record = await self._store.read_tenant(self._tenant, lambda: find_call(self._tenant, call_sid))
        return None if record is None else next(our_calls(record), None)

    def _may_ask(self, finding: Finding, terms: Terms) -> bool:
        """A platform is asked of whatever it lists: its list lacks who carries a call, and what was said."""
        is_listed = terms.by_platform and finding.theirs is not None
        return is_listed or (is_asked(finding) and self.asked < MOST_ASKED)

    async def _facts(self, call_sid: str) -> list[Fact]:
        stored = await self._store.read_tenant(self._tenant, lambda: facts_of_call(self._tenant, call_sid))
        return [each.fact for each in stored or ()]

    async def _asked(self, pair: Pair, terms: Terms, ask: Ask) -> tuple[Pair, Finding | None]:
        self.asked += 1
        told = await ask(pair.call_sid)
        facts = [item for item in told if isinstance(item, Fact)]
        if told and not facts:
            # It knows the call, in words that cannot be read: then nothing is known of it.
            return pair, judge(pair, terms)
        pair = pair._replace(theirs=their_call(facts[0], keep=True) if facts else None)
        finding = judge(pair, terms)
        if finding is not None and is_asked(finding):
            answer = "still has it open" if facts else "does not know it"
            finding = replace(finding, detail=f"{finding.detail}; {terms.provider} was asked and {answer}")
        return pair, finding

    async def _is_kept(self, finding: Finding, theirs: TheirCall | None) -> bool:
        """Whether the ledger has this very word of the provider's, by a list, and keeps its own state."""
        if finding.kind not in _DISPUTES or theirs is None:
            return False
        is_known = any(_is_word(fact, theirs) for fact in await self._facts(theirs.call_sid))
        self.kept += is_known
        return is_known


def _is_word(fact: Fact, theirs: TheirCall) -> bool:
    if fact.door not in _LISTS or fact.call_sid != theirs.call_sid:
        return False
    said = fact.said.get("status"), talk_of(fact.said)
    return said == (theirs.status, theirs.duration_seconds)
