"""What a provider is: the same few pure functions, whichever it is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from calltally.calls.events import Fact
from calltally.providers.callback import Callback, Refusal, Source
from calltally.providers.form import MOST_FORM_BYTES, is_form
from calltally.providers.list_requests import Fetch

Verify: TypeAlias = Callable[[Callback, Mapping[str, str]], bool]
FactsOf: TypeAlias = Callable[[Callback], list[Fact]]
ListFacts: TypeAlias = Callable[[Iterable[bytes], Source], Iterator[Fact | Refusal]]

# The report of a long conversation has every word of it, some of them thrice.
MOST_BYTES: Final = 5 * 1024 * 1024
# A carrier's event has a few KiB, the insights of a conversation some hundred.
MOST_EVENT_BYTES: Final = 1024 * 1024


class Kind(StrEnum):
    """What a provider is to a call: who carries it, who talks in it, or the tenant's own telephone system."""

    CARRIER = "carrier"
    PLATFORM = "platform"
    SWITCH = "switch"


class Webhook(NamedTuple):
    """How a provider's requests are taken in.

    `verify` is false for everything that is not signed with one of the secrets, and never raises.
    `facts_of` raises `NotUnderstood` for a genuine body that cannot be read, and `UnknownKind` for a message
    of a kind in no table that names no call's state. A request that tells nothing of a call gives no facts.
    `unread` are patterns of kinds that the provider documents and nobody reads here: counted by name.
    Anybody can send a body, signed or not: `most_bytes` and `most_form_bytes` bound the work of `verify`,
    which reads a form where its parameters are what is signed.
    """

    verify: Verify
    facts_of: FactsOf
    unread: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES
    most_form_bytes: int = MOST_FORM_BYTES

    def most_bytes_of(self, headers: Mapping[str, str]) -> int:
        """Return how long the body of a request with these headers may be."""
        return min(self.most_bytes, self.most_form_bytes) if is_form(headers) else self.most_bytes


class Provider(NamedTuple):
    """One provider, and what it has of the three ways in.

    `secret_names` are what a tenant may store of it, and one of `needs` has to be among what is stored
    (where there are any). `webhook` takes its requests; `list_facts` reads the lines of an export, giving a
    refusal for each item that it cannot read; `fetch` asks its own list. `account_name` is which of the
    stored values names the account, for bodies that do not. The facts of a provider whose ids are not
    unique in the world carry the account in front of their SIDs.
    """

    name: str
    kind: Kind
    secret_names: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    webhook: Webhook | None = None
    list_facts: ListFacts | None = None
    fetch: Fetch | None = None
    account_name: str = ""
    ids_are_unique: bool = True
