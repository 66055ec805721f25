"""`/api/v1/ingest/{provider}/{tenant}`: signed callbacks of providers."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Final

import msgspec
from litestar import get, post
from msgspec import Meta

from calltally.calls.errors import InvalidBody, NotFound, WrongSignature
from calltally.calls.events import IngestOutcome
from calltally.calls.identity import uuid_text
from calltally.calls.wire_types import UuidText
from calltally.ingest.callbacks import BAD_SIGNATURE, CallbackReceipt, CallbackVerdict, drained_receipt
from calltally.providers.callback import Callback
from calltally.providers.provider import MAX_DRAINED_BYTES, RunningSignature
from calltally.providers.registry import WEBHOOKS, names_schema, registered_name
from calltally.store.db.interface import SubmissionResult
from calltally.web.metrics.metrics import Metrics
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.bodies import kept_body
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.paths import last_segment, public_url_of, segment_after
from calltally.web.response.response import Response

_PATH: Final = "/api/v1/ingest/{provider:str}/{tenant:str}"
_EXAMPLE_CALL: Final = "550e8400-e29b-81d4-a716-446655440000"
_Outcome = Annotated[str, Meta(extra_json_schema={"enum": list(IngestOutcome)})]
_JSON_OBJECT: Final = {"type": "object", "additionalProperties": True, "description": "The provider's JSON."}
_FORM: Final = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "The provider's form.",
}


_AUTHENTIC: Final = (CallbackVerdict.RECORDED, CallbackVerdict.DEAD_LETTER, CallbackVerdict.KEPT)
# Anybody can put a number or a secret in place of a tenant that does not exist.
_PLAIN_NAME: Final = re.compile(r"(?!.*\d{5})[a-z0-9]{1,24}(-[a-z0-9]{1,24}){0,4}", re.ASCII)
# Longer bodies are not read if their headers alone are not authentic: reading 5 MiB takes 5 ms.
_SHORT_DIGITS: Final = len("65536")


class CallbackOutcome(msgspec.Struct, frozen=True):
    """Outcome of one fact of the callback."""

    outcome: _Outcome
    reason: str | None
    call_id: UuidText | None
    revision: int | None


class CallbackResult(msgspec.Struct, frozen=True):
    """An outcome per fact; empty if an authentic callback has no fact of a call.

    An authentic message of an unknown kind without a call state is `ignored`: it is stored and changes
    nothing.
    """

    outcomes: list[CallbackOutcome]


RECEIVE_CALLBACK: Final = Operation(
    id="receiveCallback",
    tag="Ingest",
    summary="Receive a provider's signed callback.",
    description="Configure this URL at the provider. The signature covers the public URL: set"
    " CALLTALLY_PUBLIC_URL behind a proxy. A repeat changes nothing. An unknown tenant gets the same"
    " response as a wrong signature.",
    is_rate_limited=False,
    is_negotiated=False,
    path=(
        PathParameter(
            name="provider",
            description="The provider, or `generic-…`, a mapping of the tenant's own."
            f" Known providers: {', '.join(sorted(WEBHOOKS))}.",
            schema=names_schema(WEBHOOKS),
            example="twilio",
        ),
        PathParameter(
            name="tenant",
            description="The tenant's id.",
            schema={"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64},
            example="acme",
        ),
    ),
    # A provider may add its own parameters (bodySHA256); they are part of the signed URL.
    parses_query=True,
    body=RequestBodySpec(
        content={"application/x-www-form-urlencoded": _FORM, "application/json": _JSON_OBJECT},
        description="Any media type: the signature decides. An empty body is stored as a dead letter."
        " Limits: 5 MiB; 1 MiB for telnyx and jambonz; 64 KiB for plivo and signalwire. A form may"
        " have 64 KiB, and 5 MiB for freeswitch and `generic-…`. A longer audio event of elevenlabs is"
        " verified, acknowledged and not kept.",
        required=False,
        problems=(),
        example={"CallSid": "CA1234567890abcdef1234567890abcdef", "CallStatus": "ringing"},
    ),
    responses={
        200: ResponseSpec(
            description="The facts are recorded durably and listed.",
            schema=CallbackResult,
            example={
                "outcomes": [{"outcome": "applied", "reason": None, "call_id": _EXAMPLE_CALL, "revision": 7}]
            },
        ),
        202: ResponseSpec(
            description="Authentic but unreadable: stored as a dead letter, for"
            " `calltally dead-letters retry`. The readable events of a batch are recorded, and listed."
            " elevenlabs gets 200 with the same body: it counts any other status as a failure.",
            schema=CallbackResult,
            example={
                "outcomes": [
                    {
                        "outcome": "dead_letter",
                        "reason": "CallStatus 'parked': not one of queued, initiated",
                        "call_id": None,
                        "revision": None,
                    }
                ]
            },
        ),
    },
    problems=("wrong-signature", "not-found", "unavailable"),
)


@post(_PATH, operation=RECEIVE_CALLBACK, request_max_body_size=MAX_DRAINED_BYTES, status_code=200)
async def receive_callback(request: AnyRequest) -> Response:
    return await _receive(request)


# Some providers can be configured to call by GET; the query then has the whole content.
RECEIVE_QUERY: Final = replace(
    RECEIVE_CALLBACK,
    id="receiveCallbackByGet",
    summary="Receive a provider's signed callback by GET.",
    description="For providers that are configured to call by GET: the query has the signed content. Prefer"
    " POST, which works the same otherwise. The signature of a GET does not cover a body, so a GET"
    " with a body is refused.",
    body=None,
    problems=(*RECEIVE_CALLBACK.problems, "invalid-body"),
)


@get(_PATH, operation=RECEIVE_QUERY, status_code=200)
async def receive_query(request: AnyRequest) -> Response:
    """Verify, parse and record a callback without a body. Raises InvalidBody for one with a body."""
    if await request.body():
        raise InvalidBody.of(
            "body", "a callback by GET must have no body: send it by POST, or without the body"
        )
    return await _receive(request)


async def _receive(request: AnyRequest) -> Response:
    deps, provider = dependencies_of(request), segment_after(request, "ingest")
    context = context_of(request.scope)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in context.headers.items()}
    # Not the name in the URL: anybody can invent more names of generic providers than exist.
    registered, tenant = registered_name(provider), last_segment(request, "tenants")
    receiver, url = deps.intake.callbacks, public_url_of(request)
    max_bytes = receiver.max_body_bytes(provider, headers)

    def callback_of(body: bytes) -> Callback:
        return Callback(request.method, url, headers, body, deps.clock())

    async def verify_longer(start: bytes) -> RunningSignature | None:
        return await receiver.running_signature(provider, tenant, callback_of(start))

    async def receive() -> CallbackReceipt:
        is_long = "transfer-encoding" in headers or len(headers.get("content-length", "")) > _SHORT_DIGITS
        refusal = await receiver.refuse_head(provider, tenant, callback_of(b"")) if is_long else None
        if refusal is not None:
            return refusal
        body = await kept_body(request, max_bytes, verify_longer) if max_bytes else b""
        if isinstance(body, bytes):
            return await receiver.receive(provider, tenant, callback_of(body))
        return drained_receipt(body, max_bytes)

    receipt = await receive()
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        deps.signature_failures.count((tenant, registered))
    elif receipt.verdict in _AUTHENTIC:
        deps.provider_receipts.note((tenant, provider))
    for name in receipt.unlisted:
        deps.unlisted_fields.count((tenant, registered, name))
    _count(deps.metrics, registered, receipt)
    context.provider, context.reason = registered, _reason(receipt)
    if receipt.verdict in _AUTHENTIC or _PLAIN_NAME.fullmatch(tenant):
        context.tenant = tenant
    webhook = WEBHOOKS.get(registered)
    return _response(receipt, webhook.kept_status if webhook else 202)


def _reason(receipt: CallbackReceipt) -> str | None:
    """Return the cause of a refusal for the access line. The texts of dead letters quote the request."""
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        return receipt.reason
    if receipt.verdict is CallbackVerdict.DEAD_LETTER:
        return "dead-letter"
    is_refused = any(each.outcome == IngestOutcome.REFUSED for each in receipt.recorded)
    return "refused-fact" if is_refused else None


def _count(metrics: Metrics, provider: str, receipt: CallbackReceipt) -> None:
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        metrics.count_signature_failure(provider, receipt.reason or BAD_SIGNATURE)
    elif receipt.verdict is CallbackVerdict.DEAD_LETTER:
        metrics.count_dead_letter(provider)
    elif receipt.verdict is CallbackVerdict.KEPT:
        metrics.count_unread_message(provider, receipt.kind)
    if receipt.unknown_ends:
        metrics.count_unknown_end_reasons(provider, receipt.unknown_ends)
    if receipt.unread_fields:
        metrics.count_unread_fields(provider, receipt.unread_fields)
    if receipt.unlisted:
        metrics.count_unlisted_fields(provider, len(receipt.unlisted))
    for recorded in receipt.recorded:
        metrics.count_fact(provider, recorded.outcome)


def _kept(reason: str | None, recorded: Iterable[CallbackOutcome] = ()) -> Response:
    ignored = CallbackOutcome(IngestOutcome.IGNORED, reason, None, None)
    return Response.json(CallbackResult([ignored, *recorded]))


def _response(receipt: CallbackReceipt, kept_status: int) -> Response:
    if receipt.verdict is CallbackVerdict.UNKNOWN_PROVIDER:
        raise NotFound(f"unknown provider; {receipt.reason}")
    if receipt.challenge is not None:
        headers = tuple((name.encode(), value.encode()) for name, value in receipt.challenge.headers.items())
        return Response(receipt.challenge.body, headers=headers)
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        raise WrongSignature(
            "the signature does not match: check the stored secret, and that the provider calls the public"
            " URL of this service (CALLTALLY_PUBLIC_URL)"
        )
    recorded = [_outcome(each) for each in receipt.recorded]
    if receipt.verdict is CallbackVerdict.DEAD_LETTER:
        outcome = CallbackOutcome(IngestOutcome.DEAD_LETTER, receipt.reason, None, None)
        return Response.json(CallbackResult([outcome, *recorded]), status=kept_status)
    if receipt.verdict is CallbackVerdict.KEPT:
        return _kept(receipt.reason, recorded)
    return Response.json(CallbackResult(recorded))


def _outcome(recorded: SubmissionResult) -> CallbackOutcome:
    call_id = uuid_text(recorded.call_id) if recorded.call_id else None
    return CallbackOutcome(recorded.outcome, recorded.reason, call_id, recorded.revision)
