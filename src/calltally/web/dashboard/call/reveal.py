"""`/calls/{id}/reveal`: a call with full numbers, of a masking tenant. Each reveal is logged first."""

from typing import Any, Final

import msgspec
from litestar import post

from calltally.calls.identity import parse_uuid
from calltally.store.tenants.number_reveals import StoredReveal, record_reveal
from calltally.web.api.call_logs.one_call import requested_call
from calltally.web.dashboard.call.page import call_response
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.sign_in.scopes import require_scope
from calltally.web.request.access import PII_READ
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

_HANDLING: Final[Any] = {Exception: handle_page_exception}


class _Named(msgspec.Struct):
    id: str


@post(
    "/calls/{id:str}/reveal",
    operation=page_operation("POST /calls/{id}/reveal"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def reveal_call(request: AnyRequest) -> Response:
    """Return the page with full numbers. It has no URL of its own, so each reveal is requested and logged."""
    visitor, _pairs = await checked_form(request)
    require_scope(visitor, PII_READ)
    deps, found = dependencies_of(request), await requested_call(request, "calls")
    call_id = parse_uuid(msgspec.json.decode(found.record, type=_Named).id) or b""
    reveal = StoredReveal(deps.clock(), visitor.access.key_id, call_id)
    await deps.store.write(record_reveal(visitor.tenant, reveal))
    return await call_response(request, visitor._replace(is_masked=False), found)
