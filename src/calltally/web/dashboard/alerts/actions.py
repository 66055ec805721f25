"""Form actions on alerts: the operations of the API, with the session's key."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from litestar import post

from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import Alert, AlertEvent, StoredAlertChange, acknowledge, mute, resolve
from calltally.store.db.operation import StoreOperation
from calltally.web.api.alerts.schemas import MAX_NOTE_CHARS
from calltally.web.dashboard.alerts.page import ONE, alert_id
from calltally.web.dashboard.calls.links import parse_number
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect
from calltally.web.dashboard.sign_in.scopes import require_scope
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.context import AnyRequest, access_of, dependencies_of, tenant_of
from calltally.web.request.paths import last_segment
from calltally.web.response.response import Response

_HANDLING: Final[Any] = {Exception: handle_page_exception}
_MAX_HOURS: Final = 31 * 24
_HOUR_US: Final = 3_600 * SECOND_US

Form: TypeAlias = Mapping[str, str]
# Arguments: tenant, alert, form, and a change with the time and key of the request.
Action: TypeAlias = Callable[[str, bytes, Form, StoredAlertChange], StoreOperation[Alert]]


def _acknowledge(tenant: str, alert: bytes, _form: Form, by: StoredAlertChange) -> StoreOperation[Alert]:
    return acknowledge(tenant, alert, by._replace(what=AlertEvent.ACKNOWLEDGED))


def _resolve(tenant: str, alert: bytes, _form: Form, by: StoredAlertChange) -> StoreOperation[Alert]:
    return resolve(tenant, alert, by._replace(what=AlertEvent.RESOLVED))


def _mute(tenant: str, alert: bytes, form: Form, by: StoredAlertChange) -> StoreOperation[Alert]:
    hours = parse_number(form.get("hours", ""), otherwise=0)
    if not 1 <= hours <= _MAX_HOURS:
        raise InvalidInput.of("hours", f"hours must be a whole number from 1 to {_MAX_HOURS}")
    until_us = by.at_us + hours * _HOUR_US
    return mute(tenant, alert, until_us, by._replace(what=AlertEvent.MUTED))


def _unmute(tenant: str, alert: bytes, _form: Form, by: StoredAlertChange) -> StoreOperation[Alert]:
    return mute(tenant, alert, None, by._replace(what=AlertEvent.UNMUTED))


def _note(form: Form) -> str | None:
    # PostgreSQL cannot store a NUL in a text.
    return form.get("note", "").replace("\0", "").strip()[:MAX_NOTE_CHARS] or None


_ACTIONS: Final[Mapping[str, Action]] = {
    "acknowledge": _acknowledge,
    "resolve": _resolve,
    "mute": _mute,
    "unmute": _unmute,
}


@post(
    ONE + "/{action:str}",
    operation=page_operation(f"POST {ONE}"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def change_alert(request: AnyRequest) -> Response:
    """Acknowledge, resolve, mute or unmute an alert, then return to the form's page."""
    visitor, pairs = await checked_form(request)
    form = dict(pairs)
    require_scope(visitor, ALERTS_WRITE)
    action = _ACTIONS.get(last_segment(request, "alerts"))
    if action is None:
        raise NotFound("an alert can be acknowledged, resolved, muted and unmuted")
    by = StoredAlertChange(
        0, dependencies_of(request).clock(), AlertEvent.ACKNOWLEDGED, access_of(request).key_id, _note(form)
    )
    await dependencies_of(request).store.write(action(tenant_of(request), alert_id(request), form, by))
    return redirect(return_path(pairs))
