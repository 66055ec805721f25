"""Second reading of stored bodies by later code, so that an upgrade also corrects earlier calls."""

from typing import Final, cast

import msgspec

from calltally.calls.events import Channel, Fact, StatedFields
from calltally.ingest.callbacks import Providers, UnparsedBody, read_facts
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.provider import Provider, ProviderKind

# Fields that the tenant's routes gave at the time of receipt; no body has them.
_MAPPED: Final = ("mapped_route", "mapped_agent")
_URL: Final = "https://calls.invalid/"


def reread_fact(fact: Fact, providers: Providers) -> Fact:
    """Return a fact, given with its raw body, with the fields that this code reads of that body.

    The fact is unchanged if its body gives no fact with the same SID and key. The same holds for own events,
    for generic providers, whose mapping may have changed, and for files of switches: the time zone of their
    local times is not stored.
    """
    provider = providers.get(fact.provider)
    if provider is None or fact.channel == Channel.OWN_EVENT or not fact.raw:
        return fact
    found = _callback_facts(fact, provider) if fact.channel == Channel.CALLBACK else _listed(fact, provider)
    again = next((each for each in found if (each.call_sid, each.key) == (fact.call_sid, fact.key)), None)
    if again is None:
        return fact
    mapped = {name: value for name, value in fact.stated.items() if name in _MAPPED}
    return msgspec.structs.replace(fact, stated=cast("StatedFields", {**again.stated, **mapped}))


def _callback_facts(fact: Fact, provider: Provider) -> list[Fact]:
    """Return the facts of a callback's body, which came by POST, or as the query of a GET."""
    is_form = fact.raw.lstrip()[:1] not in (b"{", b"[", b"<")
    headers = {} if is_form else {"content-type": "application/json"}
    posted = Callback("POST", _URL, headers, fact.raw, fact.received_us, fact.account)
    parsed = read_facts(provider, posted)
    if isinstance(parsed, UnparsedBody) and is_form:
        url = f"{_URL}?{fact.raw.decode(errors='replace')}"
        parsed = read_facts(provider, Callback("GET", url, {}, b"", fact.received_us, fact.account))
    return list(parsed.facts) if isinstance(parsed, UnparsedBody) else parsed


def _listed(fact: Fact, provider: Provider) -> list[Fact]:
    if provider.list_facts is None or provider.kind is ProviderKind.SWITCH:
        return []
    source = RecordSource(Channel(fact.channel), fact.received_us, fact.account)
    return [each for each in provider.list_facts([fact.raw], source) if isinstance(each, Fact)]
