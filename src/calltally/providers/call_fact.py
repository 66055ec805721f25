"""What a carrier's request or record says of one call, as a fact: what is the same for all of them."""

from collections.abc import Collection, Mapping
from typing import Any

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.identity import Node
from calltally.providers import json_documents, value_parsers, values
from calltally.providers.callback import Callback, Source


def carriers_event(call_sid: str, content: Mapping[str, Any], said: Said, callback: Callback) -> Fact:
    """A request as a fact at the time of its receipt. No id is sent; a retry has the same content."""
    credited = _credited(said, callback.account)
    return Fact(
        call_sid=call_sid,
        door=Door.CALLBACK,
        provider=credited["provider"],
        account=credited.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=callback.received_us,
        received_us=callback.received_us,
        digest=content_digest(dict(content)),
        said=credited,
        raw=callback.body,
        is_carrier=True,
    )


def carriers_record(
    call_sid: str, record: Mapping[str, Any], said: Said, source: Source, volatile: Collection[str] = ()
) -> Fact:
    """A record of a list or an export as a fact, true when the call was over.

    `volatile` are names that differ from one answer to the next: they make no other record.
    """
    credited = _credited(said, source.account)
    return Fact(
        call_sid=call_sid,
        door=source.door,
        provider=credited["provider"],
        account=credited.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=credited.get("ended_us", credited.get("started_us", source.received_us)),
        received_us=source.received_us,
        digest=content_digest({name: value for name, value in record.items() if name not in volatile}),
        said=credited,
        raw=json_documents.encode(record),
        is_carrier=True,
    )


def sip_call_id(content: Mapping[str, Any], name: str, call_sid: str) -> tuple[Node, ...]:
    """The link to what a switch on the way, or a platform, calls the same call: SIP's Call-ID.

    It is unique in the world (RFC 3261 section 8.1.1.4), and passes proxies as it is.
    """
    call_id = values.value_of(content, name, value_parsers.sid)
    return () if call_id is None or call_id == call_sid else (Node(call_id, is_carrier=False),)


def _credited(said: Said, account: str) -> Said:
    """With the account that the tenant stored, where nothing in it names one."""
    return {"provider_account": account, **said} if account else said
