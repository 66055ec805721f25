"""Requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): created once, answered twice.

Only successful answers are kept, for a day. They are encrypted, because some have a new secret.
"""

import re
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from litestar.exceptions import HTTPException

from calltally.calls.errors import (
    CalltallyError,
    Conflict,
    DamagedStore,
    InvalidInput,
    Misconfigured,
    Unavailable,
)
from calltally.store.tenants.kept_answers import (
    OPERATOR,
    KeptAnswer,
    claim_answer,
    keep_answer,
    release_answer,
)
from calltally.web.openapi.operation import OPERATION_KEY, Operation
from calltally.web.request.context import AnyRequest, access_of, context_of, dependencies_of
from calltally.web.response.response import Response

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(rb"[\x21-\x7e]{1,200}")
_SEAL_NAME: Final = "kept answer"
_TENANTS: Final = re.compile(r"/tenants/([^/]+)")


def idempotency_key(request: AnyRequest) -> str | None:
    """Return the key of a request, if it has one. Raises InvalidInput for an invalid one."""
    value = context_of(request.scope).headers.get(HEADER.lower().encode())
    if value is not None and not _KEY.fullmatch(value):
        raise InvalidInput.of(HEADER, f"{HEADER} is 1 to 200 printable ASCII characters without spaces")
    return None if value is None else value.decode()


async def answer_once(request: AnyRequest, key: str) -> Any:  # noqa: ANN401 (the ASGI application of a handler)
    """Call the handler for the first request with a key, and return the first answer to each repeat.

    Raises Conflict for a key that was sent with another request, and while the first request runs.
    """
    store, now_us = dependencies_of(request).store, dependencies_of(request).clock()
    tenant, name, digest = _tenant(request), _name(request, key), _digest_of_body(request)
    first = await store.write(claim_answer(tenant, name, now_us))
    if first is not None:
        async for _chunk in request.stream():
            pass
        return _repeated(request, first, digest.digest())
    try:
        response = await request.route_handler.fn(request)
    except (CalltallyError, HTTPException) as error:
        # After any other fault the object may exist: the claim stays, so that a repeat creates no second one.
        if _created_nothing(error):
            await store.write(release_answer(tenant, name))
        raise
    sealed = dependencies_of(request).vault.seal(tenant, _SEAL_NAME, _texts(response))
    await store.write(keep_answer(tenant, name, KeptAnswer(digest.digest(), sealed)))
    return response


def _created_nothing(error: CalltallyError | HTTPException) -> bool:
    """Return whether a request was refused. A store that cannot answer may have committed."""
    if isinstance(error, HTTPException):
        return error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    return not isinstance(error, Unavailable | DamagedStore)


def _repeated(request: AnyRequest, first: KeptAnswer, digest: bytes) -> Response:
    if first.digest is None or first.answer is None:
        raise Conflict(
            f"the first request with this {HEADER} is still running, or ended without an answer; list the"
            " objects, and if the new one is missing, send the request with a new key"
        )
    if bytes(first.digest) != digest:
        raise Conflict(f"this {HEADER} was already used with another request; send a new key")
    try:
        texts = dependencies_of(request).vault.open(_tenant(request), _SEAL_NAME, bytes(first.answer))
    except (DamagedStore, Misconfigured) as fault:
        raise Conflict(f"the first answer for this {HEADER} cannot be decrypted; send a new key") from fault
    headers = ((b"location", texts["location"].encode()),) if "location" in texts else ()
    return Response(texts["body"].encode(), status=int(texts["status"]), headers=headers)


def _texts(response: Response) -> dict[str, str]:
    location = {name.decode(): value.decode() for name, value in response.headers if name == b"location"}
    return {"status": str(response.status), "body": response.body.decode(), **location}


def _tenant(request: AnyRequest) -> str:
    named = _TENANTS.search(request.scope["path"])
    return context_of(request.scope).tenant or (named[1] if named else OPERATOR)


def _name(request: AnyRequest, key: str) -> bytes:
    """Return the name of a key: another caller, or another operation, has other names."""
    operation: Operation = request.route_handler.opt[OPERATION_KEY]
    return sha256(f"{access_of(request).key_id}\0{operation.id}\0{key}".encode()).digest()


def _digest_of_body(request: AnyRequest) -> Any:  # noqa: ANN401 (hashlib's own kind)
    """Return the running digest of the request. It grows with each part of the body that is received."""
    digest, receive = (
        sha256(request.scope["raw_path"] + b"?" + request.scope["query_string"]),
        request.receive,
    )
    digest.update(context_of(request.scope).headers.get(b"content-type", b""))

    async def receive_and_hash() -> Any:  # noqa: ANN401 (an event of ASGI)
        event: Any = await receive()
        digest.update(event.get("body", b""))
        return event

    request.receive = receive_and_hash
    return digest
