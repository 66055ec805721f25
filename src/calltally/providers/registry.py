"""Registry of the providers."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from calltally.providers import bearer_secret, twiml_callbacks
from calltally.providers.asterisk import files as asterisk_files
from calltally.providers.bland import normalise as bland_normalise
from calltally.providers.bland import signature as bland_signature
from calltally.providers.bland import words as bland_words
from calltally.providers.elevenlabs import fetch as elevenlabs_fetch
from calltally.providers.elevenlabs import normalise as elevenlabs_normalise
from calltally.providers.elevenlabs import signature as elevenlabs_signature
from calltally.providers.elevenlabs import words as elevenlabs_words
from calltally.providers.form import MAX_FORM_BYTES
from calltally.providers.freeswitch import files as freeswitch_files
from calltally.providers.freeswitch import normalise as freeswitch_normalise
from calltally.providers.freeswitch import records as freeswitch_records
from calltally.providers.generic import bodies as generic_bodies
from calltally.providers.generic import challenge as generic_challenge
from calltally.providers.generic import signature as generic_signature
from calltally.providers.jambonz import fetch as jambonz_fetch
from calltally.providers.jambonz import normalise as jambonz_normalise
from calltally.providers.jambonz import resources as jambonz_resources
from calltally.providers.jambonz import signature as jambonz_signature
from calltally.providers.jambonz import words as jambonz_words
from calltally.providers.kamailio import events as kamailio_events
from calltally.providers.livekit import normalise as livekit_normalise
from calltally.providers.livekit import signature as livekit_signature
from calltally.providers.livekit import words as livekit_words
from calltally.providers.plivo import fetch as plivo_fetch
from calltally.providers.plivo import normalise as plivo_normalise
from calltally.providers.plivo import resources as plivo_resources
from calltally.providers.plivo import signature as plivo_signature
from calltally.providers.plivo import words as plivo_words
from calltally.providers.provider import (
    MAX_BODY_BYTES,
    MAX_EVENT_BYTES,
    DrainedBody,
    Provider,
    ProviderKind,
    Webhook,
)
from calltally.providers.retell import fetch as retell_fetch
from calltally.providers.retell import normalise as retell_normalise
from calltally.providers.retell import signature as retell_signature
from calltally.providers.signalwire import fetch as signalwire_fetch
from calltally.providers.signalwire import normalise as signalwire_normalise
from calltally.providers.signalwire import resources as signalwire_resources
from calltally.providers.signalwire import signature as signalwire_signature
from calltally.providers.telnyx import fetch as telnyx_fetch
from calltally.providers.telnyx import normalise as telnyx_normalise
from calltally.providers.telnyx import resources as telnyx_resources
from calltally.providers.telnyx import signature as telnyx_signature
from calltally.providers.telnyx import words as telnyx_words
from calltally.providers.twilio import fetch as twilio_fetch
from calltally.providers.twilio import normalise as twilio_normalise
from calltally.providers.twilio import resources as twilio_resources
from calltally.providers.twilio import signature as twilio_signature
from calltally.providers.twilio import words as twilio_words
from calltally.providers.vapi import fetch as vapi_fetch
from calltally.providers.vapi import normalise as vapi_normalise
from calltally.providers.vapi import signature as vapi_signature
from calltally.providers.vapi import words as vapi_words
from calltally.providers.vonage import fetch as vonage_fetch
from calltally.providers.vonage import normalise as vonage_normalise
from calltally.providers.vonage import resources as vonage_resources
from calltally.providers.vonage import signature as vonage_signature
from calltally.providers.vonage import words as vonage_words

TWILIO: Final = Provider(
    name="twilio",
    kind=ProviderKind.CARRIER,
    secret_names=(*twilio_signature.SECRET_NAMES, *twilio_fetch.SECRET_NAMES),
    needs=twilio_signature.SECRET_NAMES[:1],
    webhook=Webhook(
        twilio_signature.verify,
        twilio_normalise.facts_of,
        (*twilio_words.UNREAD_EVENTS, *twiml_callbacks.UNREAD_KINDS),
    ),
    list_facts=twilio_resources.list_facts,
    fetcher=twilio_fetch.FETCHER,
)

ASTERISK: Final = Provider(
    name="asterisk",
    kind=ProviderKind.SWITCH,
    list_facts=asterisk_files.list_facts,
    ids_are_unique=False,
    record_fact=asterisk_files.record_fact,
)
FREESWITCH: Final = Provider(
    name="freeswitch",
    kind=ProviderKind.SWITCH,
    secret_names=(*bearer_secret.SECRET_NAMES, "account"),
    needs=bearer_secret.SECRET_NAMES[:1],
    # Its modules send a whole record as one form field. A bearer secret is verified without parsing the body.
    webhook=Webhook(
        bearer_secret.verify,
        freeswitch_normalise.facts_of,
        max_form_bytes=MAX_BODY_BYTES,
        verify_head=bearer_secret.verify,
    ),
    list_facts=freeswitch_files.list_facts,
    account_name="account",
    record_fact=freeswitch_records.fact_of,
)
KAMAILIO: Final = Provider(
    name="kamailio",
    kind=ProviderKind.SWITCH,
    secret_names=(*bearer_secret.SECRET_NAMES, "account"),
    needs=bearer_secret.SECRET_NAMES[:1],
    webhook=Webhook(bearer_secret.verify, kamailio_events.facts_of, verify_head=bearer_secret.verify),
    list_facts=kamailio_events.list_facts,
    account_name="account",
    record_fact=kamailio_events.fact_of,
)

TELNYX: Final = Provider(
    name="telnyx",
    kind=ProviderKind.CARRIER,
    secret_names=(*telnyx_signature.SECRET_NAMES, *telnyx_fetch.SECRET_NAMES),
    needs=telnyx_signature.SECRET_NAMES[:1],
    webhook=Webhook(
        telnyx_signature.verify,
        telnyx_normalise.facts_of,
        (*telnyx_words.UNREAD_KINDS, *twiml_callbacks.UNREAD_KINDS),
        MAX_EVENT_BYTES,
    ),
    list_facts=telnyx_resources.list_facts,
    fetcher=telnyx_fetch.FETCHER,
    account_name="account_id",
)

VONAGE: Final = Provider(
    name="vonage",
    kind=ProviderKind.CARRIER,
    secret_names=(*vonage_signature.SECRET_NAMES, *vonage_fetch.SECRET_NAMES),
    needs=vonage_signature.SECRET_NAMES[:1],
    webhook=Webhook(
        vonage_signature.verify,
        vonage_normalise.facts_of,
        vonage_words.UNREAD_KINDS,
        verify_head=vonage_signature.verify_head,
    ),
    list_facts=vonage_resources.list_facts,
    fetcher=vonage_fetch.FETCHER,
    account_name=vonage_fetch.ACCOUNT,
)

PLIVO: Final = Provider(
    name="plivo",
    kind=ProviderKind.CARRIER,
    secret_names=(*plivo_signature.SECRET_NAMES, *plivo_fetch.SECRET_NAMES),
    needs=plivo_signature.REQUIRED_SECRETS,
    # Plivo sends only forms.
    webhook=Webhook(
        plivo_signature.verify, plivo_normalise.facts_of, plivo_words.UNREAD_KINDS, MAX_FORM_BYTES
    ),
    list_facts=plivo_resources.list_facts,
    fetcher=plivo_fetch.FETCHER,
    account_name=plivo_fetch.ACCOUNT,
)

SIGNALWIRE: Final = Provider(
    name="signalwire",
    kind=ProviderKind.CARRIER,
    secret_names=(*signalwire_signature.SECRET_NAMES, *signalwire_fetch.SECRET_NAMES),
    needs=signalwire_signature.SECRET_NAMES[:1],
    # Each variant of the URL hashes the body, whether it is a form or not.
    webhook=Webhook(
        signalwire_signature.verify,
        signalwire_normalise.facts_of,
        twiml_callbacks.UNREAD_KINDS,
        MAX_FORM_BYTES,
    ),
    list_facts=signalwire_resources.list_facts,
    fetcher=signalwire_fetch.FETCHER,
)

JAMBONZ: Final = Provider(
    name="jambonz",
    kind=ProviderKind.CARRIER,
    secret_names=(*jambonz_signature.SECRET_NAMES, *jambonz_fetch.SECRET_NAMES),
    needs=jambonz_signature.SECRET_NAMES[:1],
    webhook=Webhook(
        jambonz_signature.verify, jambonz_normalise.facts_of, jambonz_words.UNREAD_KINDS, MAX_EVENT_BYTES
    ),
    list_facts=jambonz_resources.list_facts,
    fetcher=jambonz_fetch.FETCHER,
)

GENERIC: Final = Provider(
    name="generic",
    kind=ProviderKind.SWITCH,
    secret_names=(generic_signature.MAPPING, *bearer_secret.SECRET_NAMES, "account"),
    needs=(generic_signature.MAPPING,),
    # The body of a tenant's own system; verification reads it as bytes.
    webhook=Webhook(
        generic_signature.verify,
        generic_bodies.facts_of,
        max_form_bytes=MAX_BODY_BYTES,
        challenge=generic_challenge.answer_challenge,
    ),
    list_facts=generic_bodies.list_facts,
    account_name="account",
    ids_are_unique=False,
    record_fact=generic_bodies.record_fact,
)

VAPI: Final = Provider(
    name="vapi",
    kind=ProviderKind.PLATFORM,
    secret_names=(*vapi_signature.SECRET_NAMES, *vapi_fetch.SECRET_NAMES),
    needs=vapi_signature.SECRET_NAMES[:1],
    webhook=Webhook(vapi_signature.verify, vapi_normalise.facts_of, vapi_words.UNREAD_KINDS),
    list_facts=vapi_normalise.list_facts,
    fetcher=vapi_fetch.FETCHER,
)
RETELL: Final = Provider(
    name="retell",
    kind=ProviderKind.PLATFORM,
    secret_names=retell_signature.SECRET_NAMES,
    needs=retell_signature.SECRET_NAMES[:1],
    webhook=Webhook(retell_signature.verify, retell_normalise.facts_of),
    list_facts=retell_normalise.list_facts,
    fetcher=retell_fetch.FETCHER,
)
ELEVENLABS: Final = Provider(
    name="elevenlabs",
    kind=ProviderKind.PLATFORM,
    secret_names=(*elevenlabs_signature.SECRET_NAMES, *elevenlabs_fetch.SECRET_NAMES),
    needs=elevenlabs_signature.SECRET_NAMES[:1],
    # Its documentation counts only 200 as a success, and disables a webhook after failures.
    webhook=Webhook(
        elevenlabs_signature.verify,
        elevenlabs_normalise.facts_of,
        elevenlabs_words.UNREAD_KINDS,
        kept_status=200,
        drained=DrainedBody(elevenlabs_words.AUDIO_EVENT, elevenlabs_signature.BodySignature),
    ),
    list_facts=elevenlabs_normalise.list_facts,
    fetcher=elevenlabs_fetch.FETCHER,
)
LIVEKIT: Final = Provider(
    name="livekit",
    kind=ProviderKind.PLATFORM,
    secret_names=livekit_signature.SECRET_NAMES,
    needs=livekit_signature.SECRET_NAMES[:1],
    webhook=Webhook(
        livekit_signature.verify,
        livekit_normalise.facts_of,
        livekit_words.UNREAD_KINDS,
        verify_head=livekit_signature.verify_head,
    ),
)
BLAND: Final = Provider(
    name="bland",
    kind=ProviderKind.PLATFORM,
    secret_names=bland_signature.SECRET_NAMES,
    needs=bland_signature.SECRET_NAMES[:1],
    webhook=Webhook(bland_signature.verify, bland_normalise.facts_of, bland_words.UNREAD_KINDS),
    list_facts=bland_normalise.list_facts,
)

_CARRIERS: Final = (TWILIO, TELNYX, VONAGE, PLIVO, SIGNALWIRE, JAMBONZ)
_PLATFORMS: Final = (VAPI, RETELL, ELEVENLABS, LIVEKIT, BLAND)
_SWITCHES: Final = (ASTERISK, FREESWITCH, KAMAILIO, GENERIC)
PROVIDERS: Final[Mapping[str, Provider]] = {
    provider.name: provider for provider in (*_CARRIERS, *_PLATFORMS, *_SWITCHES)
}

# One table per channel, so that commands and pages offer only supported providers.
WEBHOOKS: Final = {name: each.webhook for name, each in PROVIDERS.items() if each.webhook is not None}
RECORDS: Final = {name: each.list_facts for name, each in PROVIDERS.items() if each.list_facts is not None}
FETCHERS: Final = {name: each.fetcher for name, each in PROVIDERS.items() if each.fetcher is not None}

# A tenant's own providers: each a mapping under a name that the tenant chooses.
_TENANT_DEFINED: Final = re.compile(GENERIC.name + "-[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_MAX_NAME_CHARS: Final = 64


def names_schema(names: Iterable[str]) -> dict[str, object]:
    """Return the JSON Schema of a provider name: one of `names`, or a tenant's own."""
    pattern = f"^(?:{'|'.join([*sorted(names), _TENANT_DEFINED.pattern])})$"
    return {"type": "string", "pattern": pattern, "maxLength": _MAX_NAME_CHARS}


def registered_name(name: str) -> str:
    """Return the name in the registry: `generic` for a tenant's own provider such as `generic-acme`."""
    return GENERIC.name if len(name) <= _MAX_NAME_CHARS and _TENANT_DEFINED.fullmatch(name) else name
