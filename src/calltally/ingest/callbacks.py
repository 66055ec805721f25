"""A provider's callback, from the request to the ledger. `Callbacks.receive` is the table of contents."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.end_reasons import why_of
from calltally.calls.errors import NotUnderstood, UnknownKind
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.ingest.dead_letter_codec import write_letter
from calltally.ingest.routes import RouteTables, map_route
from calltally.ingest.ttl_cache import Recent
from calltally.providers.callback import Callback
from calltally.providers.generic.signature import MAPPING
from calltally.providers.kinds import counted_as
from calltally.providers.provider import Provider
from calltally.providers.registry import registered_name
from calltally.store.db.interface import Recorded, Store, Submission
from calltally.store.db.operation import Clock
from calltally.store.tenants.dead_letters import put_dead_letter
from calltally.store.tenants.vault import Vault, find_provider_secrets

Providers: TypeAlias = Mapping[str, Provider]
Secrets: TypeAlias = Mapping[str, str]

_KEEP_US: Final = 2 * SECOND_US
# Stands in where a tenant has no secret, so that the work is that of one; nothing signed with it gets in.
# It is also a public key (RFC 8032, section 7.1, test 1), so that Ed25519 too is checked to its end.
_DECOY: Final = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


class Verdict(StrEnum):
    """What became of a callback as a whole."""

    RECORDED = "recorded"
    DEAD_LETTER = "dead_letter"
    KEPT = "kept"
    WRONG_SIGNATURE = "wrong_signature"
    UNKNOWN_PROVIDER = "unknown_provider"


class Receipt(NamedTuple):
    """The verdict, why, and what became of each fact that the callback told (none is possible).

    `unknown_ends` counts the words for the end of a call that are in no table: kept, and no error. `kind` is
    what a kept message of an unknown kind is counted as.
    """

    verdict: Verdict
    reason: str | None = None
    recorded: tuple[Recorded, ...] = ()
    unknown_ends: int = 0
    kind: str = ""


class Unread(NamedTuple):
    """A genuine body that today's code does not understand.

    One with a `kind` names no call's state: it is kept, and waits for no replay.
    """

    reason: str
    kind: str = ""


Told: TypeAlias = list[Fact] | Unread


class StoredSecrets(Recent[tuple[str, str], Secrets]):
    """The secrets of (tenant, provider), as stored at most two seconds ago; empty where there are none."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        async def read(key: tuple[str, str]) -> Secrets:
            sealed = await store.read(find_provider_secrets(*key))
            return {} if sealed is None else vault.open(*key, sealed)

        super().__init__(read, clock, _KEEP_US)

    def forget_tenant(self, tenant: str) -> None:
        """Make a change of any of a tenant's secrets count at once."""
        for key in [key for key in self.kept_keys() if key[0] == tenant]:
            self.forget(key)
        self.forget((tenant, ""))


class Callbacks:
    """Takes callbacks in. What it calls recorded, or a dead letter, is durable."""

    def __init__(
        self, store: Store, providers: Providers, *, secrets: StoredSecrets, routes: RouteTables
    ) -> None:
        self._store = store
        self._providers = providers
        self._secrets = secrets
        self._routes = routes

    def most_bytes(self, provider_name: str, headers: Mapping[str, str]) -> int:
        """Return how long a request's body may be; 0 for a provider that sends none here."""
        provider = self._providers.get(registered_name(provider_name))
        return provider.webhook.most_bytes_of(headers) if provider and provider.webhook else 0

    async def receive(self, provider_name: str, tenant: str, callback: Callback) -> Receipt:
        """Verify, read, record. A tenant that does not exist gets what a wrong signature gets."""
        provider = self._providers.get(registered_name(provider_name))
        if provider is None or provider.webhook is None:
            return Receipt(
                Verdict.UNKNOWN_PROVIDER, f"the providers are {', '.join(_callers(self._providers))}"
            )
        secrets = await self._secrets.of((tenant, provider_name))
        if not is_genuine(provider, callback, secrets):
            return Receipt(Verdict.WRONG_SIGNATURE)
        told = read_facts(provider, with_stored(provider, callback, secrets))
        if isinstance(told, Unread):
            return await self._keep(tenant, provider_name, callback, told)
        return await self._record(tenant, told)

    async def _keep(self, tenant: str, provider_name: str, callback: Callback, unread: Unread) -> Receipt:
        # Not with its mapping: a replay is by the one that is stored then.
        letter = write_letter(provider_name, callback, unread.reason)
        await self._store.write(put_dead_letter(tenant, letter, waits=not unread.kind))
        verdict = Verdict.KEPT if unread.kind else Verdict.DEAD_LETTER
        return Receipt(verdict, letter.reason, kind=unread.kind)

    async def _record(self, tenant: str, facts: Sequence[Fact]) -> Receipt:
        table = await self._routes.of(tenant)
        submissions = [Submission(tenant, map_route(fact, table)) for fact in facts]
        recorded = tuple(await self._store.submit(submissions))
        return Receipt(Verdict.RECORDED, None, recorded, sum(map(has_unknown_end, facts)))


def has_unknown_end(fact: Fact) -> bool:
    """Whether a fact says why its call ended by a word that nobody here knows."""
    reason, word = fact.said.get("end_reason"), fact.said.get("end_word")
    if reason is None:
        return word is not None
    return word is None and why_of(reason) is None


def _callers(providers: Providers) -> list[str]:
    return [name for name, each in providers.items() if each.webhook is not None]


def with_stored(provider: Provider, callback: Callback, secrets: Secrets) -> Callback:
    """The callback with what else of the stored is needed to read it.

    Whose account it is, and by which mapping.
    """
    account = secrets.get(provider.account_name, callback.account)
    mapping = secrets.get(MAPPING, "")
    if (account, mapping) == (callback.account, callback.mapping):
        return callback
    return msgspec.structs.replace(callback, account=account, mapping=mapping)


def is_genuine(provider: Provider, callback: Callback, secrets: Secrets) -> bool:
    """Whether the callback is signed with one of `secrets`; the work is the same where there are none."""
    tried = secrets or dict.fromkeys(provider.needs, _DECOY)
    return provider.webhook is not None and provider.webhook.verify(callback, tried) and bool(secrets)


def read_facts(provider: Provider, callback: Callback) -> Told:
    """What a genuine callback tells. What goes wrong here is kept for a replay: few providers send again."""
    if provider.webhook is None:
        return Unread(f"{provider.name} sends no callbacks in this version")
    try:
        return provider.webhook.facts_of(callback)
    except UnknownKind as fault:
        return Unread(fault.detail, counted_as(fault.kind, provider.webhook.unread))
    except NotUnderstood as fault:
        return Unread(fault.detail)
    except Exception as fault:  # noqa: BLE001 - a fault of our code must not cost a customer's call
        return Unread(f"the code failed: {type(fault).__name__}: {fault}")
