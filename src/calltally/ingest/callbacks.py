"""Pipeline of provider callbacks, from the request to the ledger or a dead letter; see `receive`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.end_reasons import is_documented
from calltally.calls.errors import DamagedStore, NotUnderstood, UnknownKind
from calltally.calls.events import UNREAD, Fact
from calltally.calls.times import SECOND_US
from calltally.ingest.routes import RouteTableCache, TtlCache, map_route
from calltally.providers.callback import Callback, PartlyUnderstood
from calltally.providers.generic.signature import MAPPING
from calltally.providers.known_fields import MAX_NAME_CHARS, unlisted_fields
from calltally.providers.message_kinds import TOO_LONG, metric_kind
from calltally.providers.provider import ChallengeAnswer, Provider, RunningSignature, Verify, Webhook
from calltally.providers.registry import registered_name
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.db.operation import Clock
from calltally.store.tenants.dead_letters import DeadLetter, put_dead_letter
from calltally.store.tenants.vault import Vault, find_provider_secrets

Providers: TypeAlias = Mapping[str, Provider]
Secrets: TypeAlias = Mapping[str, str]

_TTL_US: Final = 2 * SECOND_US
# Used for a tenant without secrets, so that the timing is the same. A signature made with it is refused.
# It is also a public key (RFC 8032, section 7.1, test 1), so that Ed25519 too is checked to its end.
_DECOY: Final = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
MAX_REASON_CHARS: Final = 1_000
# Credentials must not be stored with failed requests.
_DROPPED_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-admin-key"})

_letter_encoder: Final = msgspec.msgpack.Encoder()
_letter_decoder: Final = msgspec.msgpack.Decoder(Callback)


# Reasons of a refused callback, which only the service's operator reads.
NO_SECRET: Final = "no-secret"  # noqa: S105 - a reason, no secret
BAD_SIGNATURE: Final = "wrong-signature"


class CallbackVerdict(StrEnum):
    """Outcome of a callback as a whole."""

    RECORDED = "recorded"
    DEAD_LETTER = "dead_letter"
    KEPT = "kept"
    WRONG_SIGNATURE = "wrong_signature"
    UNKNOWN_PROVIDER = "unknown_provider"
    CHALLENGED = "challenged"


class CallbackReceipt(NamedTuple):
    """Verdict on a callback with its reason, and the outcome of each of its facts, possibly none.

    `unknown_ends` counts end-of-call words that are in no table, and `unread_fields` counts values that could
    not be read. The facts are recorded all the same.
    `kind` is the counter label of a message of an unknown kind. `unlisted` names the fields and end reasons
    that the provider's coverage page does not list. `challenge` answers a handshake.
    """

    verdict: CallbackVerdict
    reason: str | None = None
    recorded: tuple[SubmissionResult, ...] = ()
    unknown_ends: int = 0
    kind: str = ""
    unread_fields: int = 0
    challenge: ChallengeAnswer | None = None
    unlisted: tuple[str, ...] = ()


class UnparsedBody(NamedTuple):
    """Authentic body that this version cannot parse.

    A body with a `kind` does not describe a call's status: it is stored, but no replay is pending for it.
    `facts` are those of the other events of a batch.
    """

    reason: str
    kind: str = ""
    facts: tuple[Fact, ...] = ()


ParsedFacts: TypeAlias = list[Fact] | UnparsedBody


class SecretCache(TtlCache[tuple[str, str], Secrets]):
    """Cache of the secrets per (tenant, provider), at most two seconds old; empty if there are none."""

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        async def read(key: tuple[str, str]) -> Secrets:
            sealed = await store.read(find_provider_secrets(*key))
            return {} if sealed is None else vault.open(*key, sealed)

        super().__init__(read, clock, _TTL_US)

    def invalidate_tenant(self, tenant: str) -> None:
        """Drop all entries of a tenant, so that a change takes effect at once."""
        for key in [key for key in self.keys() if key[0] == tenant]:
            self.invalidate(key)
        self.invalidate((tenant, ""))


class CallbackReceiver:
    """Receiver of callbacks. A callback that it reports as recorded or as a dead letter is durable."""

    def __init__(
        self, store: Store, providers: Providers, *, secrets: SecretCache, routes: RouteTableCache
    ) -> None:
        self._store = store
        self._providers = providers
        self._secrets = secrets
        self._routes = routes

    def max_body_bytes(self, provider_name: str, headers: Mapping[str, str]) -> int:
        """Return the limit of a request's body; 0 for a provider that sends no callbacks here."""
        provider = self._providers.get(registered_name(provider_name))
        return provider.webhook.max_bytes_for(headers) if provider and provider.webhook else 0

    async def refuse_head(self, provider_name: str, tenant: str, head: Callback) -> CallbackReceipt | None:
        """Return the refusal of a request that is not authentic with any body; None to read its body."""
        provider = self._providers.get(registered_name(provider_name))
        verify_head = provider.webhook.verify_head if provider and provider.webhook else None
        if provider is None or verify_head is None:
            return None
        secrets = await self._secrets.get((tenant, provider_name))
        return None if _is_signed(verify_head, provider, head, secrets) else _wrong_signature(secrets)

    async def running_signature(
        self, provider_name: str, tenant: str, start: Callback
    ) -> RunningSignature | None:
        """Return the signature check of a longer body that begins like the body of `start`; None if refused.

        Without stored secrets no signature is valid, as for an unknown tenant.
        """
        provider = self._providers.get(registered_name(provider_name))
        drained = provider.webhook.drained if provider and provider.webhook else None
        if provider is None or drained is None or not drained.start.match(start.body):
            return None
        secrets = await self._secrets.get((tenant, provider_name))
        signature = drained.signature_of(start, secrets or dict.fromkeys(provider.needs, token_urlsafe()))
        signature.update(start.body)
        return signature

    async def receive(self, provider_name: str, tenant: str, callback: Callback) -> CallbackReceipt:
        """Verify, parse and record a callback. An unknown tenant gets the reply of a wrong signature."""
        provider = self._providers.get(registered_name(provider_name))
        if provider is None or provider.webhook is None:
            known = ", ".join(name for name, each in self._providers.items() if each.webhook)
            return CallbackReceipt(CallbackVerdict.UNKNOWN_PROVIDER, f"the providers are {known}")
        secrets = await self._secrets.get((tenant, provider_name))
        if (answer := _challenge_answer(provider, callback, secrets)) is not None:
            return CallbackReceipt(CallbackVerdict.CHALLENGED, challenge=answer)
        if not is_genuine(provider, callback, secrets):
            return _wrong_signature(secrets)
        parsed = read_facts(provider, with_stored_settings(provider, callback, secrets))
        if isinstance(parsed, UnparsedBody):
            stored = await self._store_dead_letter(tenant, provider_name, callback, parsed)
            if not parsed.facts:
                return stored
            recorded = await self._record(tenant, parsed.facts)
            return recorded._replace(verdict=stored.verdict, reason=stored.reason, kind=stored.kind)
        receipt = await self._record(tenant, parsed)
        return receipt._replace(unlisted=(*unlisted_fields(provider.name, callback), *unknown_ends(parsed)))

    async def _store_dead_letter(
        self, tenant: str, provider_name: str, callback: Callback, unparsed: UnparsedBody
    ) -> CallbackReceipt:
        # Without the mapping: a replay uses the mapping that is stored then.
        letter = write_letter(provider_name, callback, unparsed.reason)
        await self._store.write(put_dead_letter(tenant, letter, waits=not unparsed.kind))
        verdict = CallbackVerdict.KEPT if unparsed.kind else CallbackVerdict.DEAD_LETTER
        return CallbackReceipt(verdict, letter.reason, kind=unparsed.kind)

    async def _record(self, tenant: str, facts: Sequence[Fact]) -> CallbackReceipt:
        table = await self._routes.get(tenant)
        submissions = [Submission(tenant, map_route(fact, table)) for fact in facts]
        recorded = tuple(await self._store.submit(submissions))
        unread_fields = sum(len(fact.stated.get(UNREAD, ())) for fact in facts)
        return CallbackReceipt(
            CallbackVerdict.RECORDED,
            None,
            recorded,
            sum(map(has_unknown_end, facts)),
            unread_fields=unread_fields,
        )


def drained_receipt(signature: RunningSignature, max_bytes: int) -> CallbackReceipt:
    """Return the receipt of a body that was verified as it arrived and is not kept."""
    if not signature.is_valid():
        return CallbackReceipt(CallbackVerdict.WRONG_SIGNATURE, BAD_SIGNATURE)
    reason = f"longer than {max_bytes} bytes: it describes no state of a call, and is not kept"
    return CallbackReceipt(CallbackVerdict.KEPT, reason, kind=TOO_LONG)


def _challenge_answer(provider: Provider, callback: Callback, secrets: Secrets) -> ChallengeAnswer | None:
    if provider.webhook is None or provider.webhook.challenge is None or not secrets:
        return None
    return provider.webhook.challenge(callback, secrets)


def has_unknown_end(fact: Fact) -> bool:
    """Return true if the fact gives an end reason that is in no table."""
    reason, word = fact.stated.get("end_reason"), fact.stated.get("end_word")
    if reason is None:
        return word is not None
    return word is None and not is_documented(reason)


def unknown_ends(facts: Iterable[Fact]) -> Iterator[str]:
    """Yield the end reasons of facts that are in no table."""
    for fact in facts:
        if has_unknown_end(fact):
            yield str(fact.stated.get("end_word") or fact.stated.get("end_reason"))[:MAX_NAME_CHARS]


def with_stored_settings(provider: Provider, callback: Callback, secrets: Secrets) -> Callback:
    """Return the callback with the stored settings that its parser needs: the account and the mapping."""
    account = secrets.get(provider.account_name, callback.account)
    mapping = secrets.get(MAPPING, "")
    if (account, mapping) == (callback.account, callback.mapping):
        return callback
    return msgspec.structs.replace(callback, account=account, mapping=mapping)


def is_genuine(provider: Provider, callback: Callback, secrets: Secrets) -> bool:
    """Return true if the callback is signed with one of `secrets`; takes the same time without secrets."""
    return provider.webhook is not None and _is_signed(provider.webhook.verify, provider, callback, secrets)


def _is_signed(verify: Verify, provider: Provider, callback: Callback, secrets: Secrets) -> bool:
    tried = secrets or dict.fromkeys(provider.needs, _DECOY)
    return verify(callback, tried) and bool(secrets)


def _wrong_signature(secrets: Secrets) -> CallbackReceipt:
    return CallbackReceipt(CallbackVerdict.WRONG_SIGNATURE, BAD_SIGNATURE if secrets else NO_SECRET)


def _log_error(provider: str) -> None:
    from calltally.logs import get_logger  # deferred: commands that read callbacks log nothing else

    get_logger(__name__).exception("a callback could not be read; it is a dead letter", provider=provider)


def read_facts(provider: Provider, callback: Callback) -> ParsedFacts:
    """Parse an authentic callback. An error becomes a dead letter for a replay: few providers send again."""
    if provider.webhook is None:
        return UnparsedBody(f"{provider.name} sends no callbacks in this version")
    try:
        return provider.webhook.facts_of(callback)
    except NotUnderstood as fault:
        return _unparsed(fault, provider.webhook)
    except PartlyUnderstood as partly:
        return _unparsed(partly.fault, provider.webhook)._replace(facts=partly.facts)
    except Exception as fault:  # noqa: BLE001 - an error in our code must not lose a customer's call
        _log_error(provider.name)
        return UnparsedBody(f"internal error: {type(fault).__name__}: {fault}")


def _unparsed(fault: NotUnderstood, webhook: Webhook) -> UnparsedBody:
    kind = metric_kind(fault.kind, webhook.unread_kinds) if isinstance(fault, UnknownKind) else ""
    return UnparsedBody(fault.detail, kind)


def write_letter(provider: str, callback: Callback, reason: str) -> DeadLetter:
    """Return the dead letter of an authentic request. The same request always gets the same id."""
    headers = {name: value for name, value in callback.headers.items() if name not in _DROPPED_HEADERS}
    request = _letter_encoder.encode(msgspec.structs.replace(callback, headers=headers, mapping=""))
    return DeadLetter(
        _letter_id(provider, callback), provider, callback.received_us, plain_reason(reason), request
    )


def _letter_id(provider: str, callback: Callback) -> bytes:
    fields = (provider, callback.method, callback.url, callback.headers.get("content-type", ""))
    framed = b"".join(b"%d:%b" % (len(field), field) for field in map(str.encode, fields))
    return sha256(framed + callback.body).digest()[:16]


def plain_reason(reason: str) -> str:
    """Return the reason with all characters escaped that a database refuses: it may quote the request."""
    escaped = reason.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return escaped[:MAX_REASON_CHARS]


def read_letter(letter: DeadLetter) -> Callback:
    """Return the original request. Raises DamagedStore."""
    try:
        return _letter_decoder.decode(letter.request)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DamagedStore(f"the request of dead letter {letter.letter_id.hex()} cannot be read") from fault
