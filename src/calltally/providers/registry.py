"""Which providers there are, each as the same few pure functions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.events import Door, Fact
from calltally.providers.callback import Callback, Refusal
from calltally.providers.fetching import Fetch
from calltally.providers.twilio import fetch as twilio_fetch
from calltally.providers.twilio import normalise as twilio_normalise
from calltally.providers.twilio import resources as twilio_resources
from calltally.providers.twilio import signature as twilio_signature

Verify: TypeAlias = Callable[[Callback, Mapping[str, str]], bool]
FactsOf: TypeAlias = Callable[[Callback], list[Fact]]
ListFacts: TypeAlias = Callable[[Iterable[bytes], Door, int], Iterator[Fact | Refusal]]


class Provider(NamedTuple):
    """One provider.

    The first of `secret_names` is required, the others are optional. `verify` is false for everything
    that is not signed with one of the secrets, and never raises. `facts_of` raises `NotUnderstood` for a
    genuine body that cannot be read. `list_facts` reads the lines of an export, told the door they come
    by and the time of receipt, and gives a refusal for each item that it cannot read. `fetch` asks the
    provider's own list.
    """

    name: str
    secret_names: tuple[str, ...]
    verify: Verify
    facts_of: FactsOf
    list_facts: ListFacts
    fetch: Fetch


TWILIO: Final = Provider(
    name="twilio",
    secret_names=(*twilio_signature.SECRET_NAMES, *twilio_fetch.SECRET_NAMES),
    verify=twilio_signature.verify,
    facts_of=twilio_normalise.facts_of,
    list_facts=twilio_resources.list_facts,
    fetch=twilio_fetch.FETCH,
)

PROVIDERS: Final[Mapping[str, Provider]] = {provider.name: provider for provider in (TWILIO,)}
