"""`/api/v1/ingest/{provider}/{tenant}`: providers' callbacks, signed as each provider signs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec
from litestar import get, post

from calltally.calls.errors import InvalidBody, NotFound, WrongSignature
from calltally.calls.events import IngestOutcome
from calltally.calls.identity import uuid_text
from calltally.ingest.callbacks import CallbackReceipt, CallbackVerdict
from calltally.providers.callback import Callback
from calltally.providers.provider import MAX_BODY_BYTES
from calltally.providers.registry import WEBHOOKS, names_schema, registered_name
from calltally.store.db.interface import SubmissionResult
from calltally.web.metrics.metrics import Metrics
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.bodies import short_body
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.paths import last_segment, segment_after
from calltally.web.request.public_url import public_url_of
from calltally.web.response.response import Response

_PATH: Final = "/api/v1/ingest/{provider:str}/{tenant:str}"
_EXAMPLE_CALL: Final = "550e8400-e29b-81d4-a716-446655440000"
_ANY_BYTES: Final = {"type": "string", "description": "As the provider sends it."}


class CallbackOutcome(msgspec.Struct, frozen=True):
    """What became of one fact that the callback told."""

    outcome: str
    reason: str | None
    call_id: str | None
    revision: int | None


class CallbackResult(msgspec.Struct, frozen=True):
    """An outcome for each fact; none where a genuine callback tells nothing of a call.

    A message of an unknown kind that names no call's state is `ignored`: it is kept, and changes nothing.
    """

    outcomes: list[CallbackOutcome]


RECEIVE_CALLBACK: Final = Operation(
    id="receiveCallback",
    tag="Ingest",
    summary="Take a provider's signed callback.",
    description="Give the provider this URL. The signature is checked over the public URL: set"
    " CALLTALLY_PUBLIC_URL behind a proxy. A repeat changes nothing. An unknown tenant is answered like a"
    " wrong signature.",
    is_rate_limited=False,
    is_negotiated=False,
    # A provider may add parameters of its own (bodySHA256); they are part of what is signed.
    parses_query=True,
    path=(
        PathParameter(
            name="provider",
            description="Who signs: one that we know, or `generic-…`, a mapping of the tenant's own."
            f" We know {', '.join(sorted(WEBHOOKS))}.",
            schema=names_schema(WEBHOOKS),
            example="twilio",
        ),
        PathParameter(
            name="tenant",
            description="Whose calls these are.",
            schema={"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64},
            example="acme",
        ),
    ),
    body=RequestBodySpec(
        content={"application/x-www-form-urlencoded": _ANY_BYTES, "application/json": _ANY_BYTES},
        description="Any media type: the signature decides. None at all is kept as a dead letter. At most 5 MiB,"
        " of telnyx and jambonz 1 MiB, of plivo and signalwire 64 KiB. A form has at most 64 KiB, and"
        " 5 MiB of freeswitch and `generic-…`.",
        required=False,
        example="CallSid=CA1234567890abcdef1234567890abcdef&CallStatus=ringing",
    ),
    responses={
        200: ResponseSpec(
            description="Recorded, durably, and listed.",
            schema=CallbackResult,
            example={
                "outcomes": [{"outcome": "applied", "reason": None, "call_id": _EXAMPLE_CALL, "revision": 7}]
            },
        ),
        202: ResponseSpec(
            description="Genuine but not understood: kept whole as a dead letter, for `calltally replay`.",
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
    problems=("wrong-signature", "not-found", "too-large", "unavailable"),
)


@post(_PATH, operation=RECEIVE_CALLBACK, request_max_body_size=MAX_BODY_BYTES, status_code=200)
async def receive_callback(request: AnyRequest) -> Response:
    """Verify, read, record, count, answer."""
    return await _receive(request)


# Some providers call by GET, if they are told to: all that they say is in the query.
RECEIVE_QUERY: Final = replace(
    RECEIVE_CALLBACK,
    id="receiveCallbackByGet",
    summary="Take a provider's signed callback that is a GET.",
    description="For providers that were told to call by GET: what they say is in the query, and signed with it."
    " The same in all else as the POST, which should be preferred. No signature of a GET vouches for a body,"
    " so one with a body is refused.",
    body=None,
    problems=(*RECEIVE_CALLBACK.problems, "invalid-body"),
)


@get(_PATH, operation=RECEIVE_QUERY, status_code=200)
async def receive_query(request: AnyRequest) -> Response:
    """Do the same for a callback that has no body. Raises InvalidBody for one that has."""
    if await request.body():
        raise InvalidBody.of("body", "a callback by GET has no body: send it by POST, or without the body")
    return await _receive(request)


async def _receive(request: AnyRequest) -> Response:
    deps, provider = dependencies_of(request), segment_after(request, "ingest")
    headers = _texts(context_of(request.scope).headers)
    most_bytes = deps.intake.callbacks.max_body_bytes(provider, headers)
    callback = Callback(
        method=request.method,
        url=public_url_of(request),
        headers=headers,
        body=await short_body(request, most_bytes) if most_bytes else b"",
        received_us=deps.clock(),
    )
    tenant = last_segment(request, "tenants")
    receipt = await deps.intake.callbacks.receive(provider, tenant, callback)
    # Not the name that was called: anybody can make up more of a tenant's own than there are.
    registered = registered_name(provider)
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        deps.signature_failures.count(tenant, registered)
    _tell(deps.metrics, registered, receipt)
    return _answer(receipt)


def _texts(headers: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}


def _tell(metrics: Metrics, provider: str, receipt: CallbackReceipt) -> None:
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        metrics.count_signature_failure(provider)
    elif receipt.verdict is CallbackVerdict.DEAD_LETTER:
        metrics.count_dead_letter(provider)
    elif receipt.verdict is CallbackVerdict.KEPT:
        metrics.count_unread_message(provider, receipt.kind)
    if receipt.unknown_ends:
        metrics.count_unknown_end_reasons(provider, receipt.unknown_ends)
    for recorded in receipt.recorded:
        metrics.count_fact(provider, recorded.outcome)


def _answer(receipt: CallbackReceipt) -> Response:
    if receipt.verdict is CallbackVerdict.UNKNOWN_PROVIDER:
        raise NotFound(f"there is no such provider; {receipt.reason}")
    if receipt.verdict is CallbackVerdict.WRONG_SIGNATURE:
        raise WrongSignature(
            "the signature does not match: check the stored secret, and that the URL the provider calls is"
            " the one the service believes to have (CALLTALLY_PUBLIC_URL)"
        )
    if receipt.verdict is Verdict.DEAD_LETTER:
        kept = CallbackOutcome(Outcome.DEAD_LETTER, receipt.reason, None, None)
        return Response.json(CallbackResult([kept]), status=202)
    if receipt.verdict is Verdict.KEPT:
        return Response.json(CallbackResult([CallbackOutcome(Outcome.IGNORED, receipt.reason, None, None)]))
    return Response.json(CallbackResult([_outcome(recorded) for recorded in receipt.recorded]))


def _outcome(recorded: SubmissionResult) -> CallbackOutcome:
    call_id = uuid_text(recorded.call_id) if recorded.call_id else None
    return CallbackOutcome(recorded.outcome, recorded.reason, call_id, recorded.revision)
