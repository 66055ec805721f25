"""Kinds of sinks: the settings of each, its secret settings, and its request builder."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from calltally.alerts.notify.notification import Notification, SinkRequest
from calltally.alerts.notify.sink_requests import (
    alertmanager_request,
    pagerduty_request,
    slack_request,
    webhook_request,
)
from calltally.calls.errors import InvalidInput
from calltally.calls.payload_formats import FORMS, STANDARD
from calltally.net.standard_webhooks import format_secret, is_secret

_Url = Annotated[str, Meta(min_length=8, max_length=2000)]
_ShortText = Annotated[str, Meta(min_length=1, max_length=200)]
# One address, without characters that could start another header.
_Address = Annotated[str, Meta(max_length=254, pattern=r"^[^\s@,;<>\"]+@[^\s@,;<>\"]+$")]

RequestBuilder: TypeAlias = Callable[[Notification, Mapping[str, Any], int], SinkRequest]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base class that rejects unknown settings, so that a misspelt one is an error."""


class WebhookSettings(_Strict, frozen=True):
    """A URL and a `secret` (whsec_ and base64); a missing secret is generated and shown once.

    `form` is the format of the events: `standard` or `cloudevents`.
    """

    url: _Url
    secret: Annotated[str, Meta(max_length=100)] | None = None
    form: Annotated[str, Meta(pattern=f"^({'|'.join(FORMS)})$")] = STANDARD


class SlackSettings(_Strict, frozen=True):
    """URL of an incoming webhook, which is itself the secret."""

    url: _Url


class PagerDutySettings(_Strict, frozen=True):
    """Integration key of a service, and the URL of another region."""

    routing_key: _ShortText
    url: _Url | None = None


class AlertmanagerSettings(_Strict, frozen=True):
    """URL of Alertmanager without /api/v2, and its credentials if it requires them."""

    url: _Url
    username: _ShortText | None = None
    password: _ShortText | None = None
    token: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None


class EmailSettings(_Strict, frozen=True):
    """Mail server. `security` is `tls` from the first byte, `starttls`, or `none` in a private network."""

    host: _ShortText
    from_: _Address = msgspec.field(name="from")
    to: Annotated[tuple[_Address, ...], Meta(min_length=1, max_length=20)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Annotated[str, Meta(pattern="^(tls|starttls|none)$")] = "starttls"
    username: _ShortText | None = None
    password: _ShortText | None = None


class SinkKind(NamedTuple):
    """Kind of sink. `build_request` is None for mail. `secret` names settings that are never shown again."""

    name: str
    settings: type[_Strict]
    secret: frozenset[str]
    build_request: RequestBuilder | None


ALERTMANAGER: Final = "alertmanager"
EMAIL: Final = "email"
WEBHOOK: Final = "webhook"
KINDS: Final[Mapping[str, SinkKind]] = {
    kind.name: kind
    for kind in (
        SinkKind(WEBHOOK, WebhookSettings, frozenset({"secret"}), webhook_request),
        SinkKind("slack", SlackSettings, frozenset({"url"}), slack_request),
        SinkKind("pagerduty", PagerDutySettings, frozenset({"routing_key"}), pagerduty_request),
        SinkKind(ALERTMANAGER, AlertmanagerSettings, frozenset({"password", "token"}), alertmanager_request),
        SinkKind(EMAIL, EmailSettings, frozenset({"password"}), None),
    )
}


_TOO_SHORT: Final = re.compile(r"Expected `str` of length >= (\d+) - at `\$\.(\w+)`")


def _explained(fault: msgspec.ValidationError) -> str:
    """Return the message of a fault, without the names of Python's types where a person may read it."""
    return _TOO_SHORT.sub(r"\2 must have at least \1 characters", str(fault))


def check_settings(kind: str, values: Any, random: bytes) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    """Return the settings of a sink of that kind. Raises InvalidInput, which names the wrong field."""
    sink_kind = KINDS.get(kind)
    if sink_kind is None:
        raise InvalidInput.of("kind", f"kind must be one of {', '.join(KINDS)}")
    try:
        settings: dict[str, Any] = msgspec.to_builtins(msgspec.convert(values, sink_kind.settings))
    except msgspec.ValidationError as fault:
        raise InvalidInput.of(
            "settings", f"the settings of this {kind} destination are not valid: {_explained(fault)}"
        ) from fault
    if kind == WEBHOOK:
        settings.setdefault("secret", format_secret(random))
        if not is_secret(settings["secret"]):
            raise InvalidInput.of(
                "secret", "a secret must be whsec_ followed by the base64 of 24 to 64 bytes"
            )
    _check_lines(settings)
    return settings


def _check_lines(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            raise InvalidInput.of(name, f"{name} must be printable ASCII")


def public_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in KINDS[kind].secret}
