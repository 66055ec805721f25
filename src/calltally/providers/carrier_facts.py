"""Facts from a carrier's requests and records: the fields that all carriers share."""

from collections.abc import Collection, Mapping
from typing import Any

from calltally.calls.end_reasons import EndAttribution
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.providers import json_documents, value_parsers, values
from calltally.providers.callback import Callback, RecordSource


def carrier_event_fact(
    call_sid: str, content: Mapping[str, Any], statement: StatedFields, callback: Callback
) -> Fact:
    """Return a request as a fact at its time of receipt.

    Carriers send no event id. A retry has the same content, so the digest identifies it.
    """
    with_account = _with_account(statement, callback.account)
    return Fact(
        call_sid=call_sid,
        channel=Channel.CALLBACK,
        provider=with_account["provider"],
        account=with_account.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=callback.received_us,
        received_us=callback.received_us,
        digest=content_digest(dict(content)),
        stated=with_account,
        raw=callback.body,
        is_carrier=True,
    )


def carrier_record_fact(
    call_sid: str,
    record: Mapping[str, Any],
    statement: StatedFields,
    source: RecordSource,
    volatile: Collection[str] = (),
) -> Fact:
    """Return a record of a list or an export as a fact, dated at the end of the call.

    `volatile` names the fields that differ between two responses for the same record. The digest leaves
    them out.
    """
    with_account = _with_account(statement, source.account)
    return Fact(
        call_sid=call_sid,
        channel=source.channel,
        provider=with_account["provider"],
        account=with_account.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=with_account.get("ended_us", with_account.get("started_us", source.received_us)),
        received_us=source.received_us,
        digest=content_digest({name: value for name, value in record.items() if name not in volatile}),
        stated=with_account,
        raw=json_documents.encode(record),
        is_carrier=True,
    )


def end_fields(word: str | None, reasons: Mapping[str, EndAttribution]) -> StatedFields:
    """Return the end fields of a carrier's word: its reason by the table, or else the word itself."""
    if word is None:
        return {}
    why = reasons.get(word)
    if why is None:
        return {"end_reason": word}
    statement: StatedFields = {"end_reason": why.reason.value, "end_word": word}
    if why.side is not None:
        statement["end_side"] = why.side.value
    return statement


def sip_call_link(
    content: Mapping[str, Any], name: str, call_sid: str, statement: StatedFields
) -> tuple[Node, ...]:
    """Return the link to the SIP Call-ID, by which a switch or a platform identifies the same call.

    A Call-ID is globally unique (RFC 3261 section 8.1.1.4), and proxies pass it unchanged. `statement` names
    an unreadable one.
    """
    call_id = values.optional_value(content, name, value_parsers.sid, statement)
    return () if call_id is None or call_id == call_sid else (Node(call_id, is_carrier=False),)


def _with_account(statement: StatedFields, account: str) -> StatedFields:
    """Add the account that the tenant stored, unless the statement names one."""
    return {"provider_account": account, **statement} if account else statement
