"""Interface of a provider: a few pure functions, the same for all providers."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from calltally.calls.events import Fact
from calltally.providers.call_fetcher import CallFetcher
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.form import MAX_FORM_BYTES, is_form

Verify: TypeAlias = Callable[[Callback, Mapping[str, str]], bool]
FactsOf: TypeAlias = Callable[[Callback], list[Fact]]
ListFacts: TypeAlias = Callable[[Iterable[bytes], RecordSource], Iterator[Fact | UnreadableRecord]]
# Raises NotUnderstood. None for a record that its mapping ignores.
RecordFact: TypeAlias = Callable[[Mapping[str, Any], RecordSource], Fact | None]

# The report of a long conversation repeats parts of its transcript up to three times.
MAX_BODY_BYTES: Final = 5 * 1024 * 1024
# The audio of a conversation of two hours, in base64. It is not kept.
MAX_DRAINED_BYTES: Final = 256 * 1024 * 1024
# A carrier's event has a few KiB; the insights of a conversation have a few hundred.
MAX_EVENT_BYTES: Final = 1024 * 1024


class ChallengeAnswer(NamedTuple):
    """Response to a handshake by which a provider checks the address of a webhook."""

    body: bytes
    headers: Mapping[str, str]


class RunningSignature(Protocol):
    """Check of a signature over a body that arrives in parts."""

    def update(self, part: bytes) -> None:
        """Add the next part of the body."""

    def is_valid(self) -> bool:
        """Return whether one of the secrets signs all parts."""


class DrainedBody(NamedTuple):
    """Bodies that are verified and not kept: their first bytes, and the check of their signature.

    `signature_of` gets the request without the rest of its body, and the stored secrets.
    """

    start: re.Pattern[bytes]
    signature_of: Callable[[Callback, Mapping[str, str]], RunningSignature]


Challenge: TypeAlias = Callable[[Callback, Mapping[str, str]], ChallengeAnswer | None]


class ProviderKind(StrEnum):
    """Role of a provider: carrier, voice-agent platform, or the tenant's own telephone system."""

    CARRIER = "carrier"
    PLATFORM = "platform"
    SWITCH = "switch"


class Webhook(NamedTuple):
    """Handlers and limits for a provider's requests.

    `verify` is false for every request that is not signed with one of the secrets, and never raises.
    `facts_of` raises `NotUnderstood` for an authentic body that it cannot read, and `UnknownKind` for a
    message of an unknown kind without a call state. It raises `PartlyUnderstood` for a batch of which some
    events are read. A request that does not concern a call gives no facts.
    `unread_kinds` are patterns of documented kinds that are counted by name and not read. Anybody can send a
    body: `max_bytes` and `max_form_bytes` bound the work of `verify`, which parses a form if its parameters
    are signed. `kept_status` is the HTTP status for an authentic body that is stored as a dead letter; some
    providers take any other than 200 for a failure. A longer body that begins as `drained` says is verified
    as it arrives and acknowledged, but not kept. `verify_head` is false if no body can make the request
    authentic; it gets the request without its body, which is then not read. `challenge` answers
    the handshakes that precede the first event.
    """

    verify: Verify
    facts_of: FactsOf
    unread_kinds: tuple[str, ...] = ()
    max_bytes: int = MAX_BODY_BYTES
    max_form_bytes: int = MAX_FORM_BYTES
    kept_status: int = 202
    drained: DrainedBody | None = None
    challenge: Challenge | None = None
    verify_head: Verify | None = None

    def max_bytes_for(self, headers: Mapping[str, str]) -> int:
        """Return the maximum length of a body with these headers."""
        return min(self.max_bytes, self.max_form_bytes) if is_form(headers) else self.max_bytes


class Provider(NamedTuple):
    """One provider, with the channels that it supports.

    `secret_names` are the secrets that a tenant may store. If `needs` has names, one of these must be stored.
    `webhook` handles requests. `list_facts` reads the lines of an export and yields an `UnreadableRecord` for
    each item that it cannot read. `record_fact` reads one record again from the raw body of its fact; other
    providers' raw bodies are documents that `list_facts` reads. `fetcher` reads the provider's list of calls.
    `account_name` is the stored value that names the account, for bodies that do not. If `ids_are_unique` is
    false, the ids are not globally unique, and the account prefixes the SIDs.
    """

    name: str
    kind: ProviderKind
    secret_names: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    webhook: Webhook | None = None
    list_facts: ListFacts | None = None
    fetcher: CallFetcher | None = None
    account_name: str = ""
    ids_are_unique: bool = True
    record_fact: RecordFact | None = None
