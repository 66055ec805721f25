"""What somebody says of an alert, by a form: the same steps as the API's, with the session's key."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from litestar import post

from calltally.calls.errors import InvalidInput, NotFound
from calltally.calls.times import SECOND_US
from calltally.store.alerts.alerts import Alert, AlertChange, AlertEvent, acknowledge, mute, resolve
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
_MOST_HOURS: Final = 31 * 24
_HOUR_US: Final = 3_600 * SECOND_US

Form: TypeAlias = Mapping[str, str]
# Whose alert, which, and what the form says: the time and the key of it stand in the change.
Doing: TypeAlias = Callable[[str, bytes, Form, AlertChange], StoreOperation[Alert]]


def _acknowledge(tenant: str, alert: bytes, _form: Form, by: AlertChange) -> StoreOperation[Alert]:
    return acknowledge(tenant, alert, by._replace(what=AlertEvent.ACKNOWLEDGED))


def _resolve(tenant: str, alert: bytes, _form: Form, by: AlertChange) -> StoreOperation[Alert]:
    return resolve(tenant, alert, by._replace(what=AlertEvent.RESOLVED))


def _mute(tenant: str, alert: bytes, form: Form, by: AlertChange) -> StoreOperation[Alert]:
    hours = parse_number(form.get("hours", ""), otherwise=0)
    if not 1 <= hours <= _MOST_HOURS:
        raise InvalidInput.of("hours", f"hours must be a whole number from 1 to {_MOST_HOURS}")
    until_us = by.at_us + hours * _HOUR_US
    return mute(tenant, alert, until_us, by._replace(what=AlertEvent.MUTED))


def _unmute(tenant: str, alert: bytes, _form: Form, by: AlertChange) -> StoreOperation[Alert]:
    return mute(tenant, alert, None, by._replace(what=AlertEvent.UNMUTED))


def _note(form: Form) -> str | None:
    # PostgreSQL has no place for a NUL in a text.
    return form.get("note", "").replace("\0", "").strip()[:MAX_NOTE_CHARS] or None


_DOINGS: Final[Mapping[str, Doing]] = {
    "acknowledge": _acknowledge,
    "resolve": _resolve,
    "mute": _mute,
    "unmute": _unmute,
}


@post(
    ONE + "/{doing:str}",
    operation=page_operation(f"POST {ONE}"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def change_alert(request: AnyRequest) -> Response:
    """Acknowledge, resolve, mute or unmute; then back to where the form was."""
    visitor, pairs = await checked_form(request)
    form = dict(pairs)
    require_scope(visitor, ALERTS_WRITE)
    doing = _DOINGS.get(last_segment(request, "alerts"))
    if doing is None:
        raise NotFound("an alert can be acknowledged, resolved, muted and unmuted")
    by = AlertChange(
        0, dependencies_of(request).clock(), AlertEvent.ACKNOWLEDGED, access_of(request).key_id, _note(form)
    )
    await dependencies_of(request).store.write(doing(tenant_of(request), alert_id(request), form, by))
    return redirect(return_path(pairs))
