"""The kinds of sinks: which settings each takes, which of them are secret, and how it is told."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from calltally.alerts.notify import alertmanager, pagerduty, slack, webhook
from calltally.alerts.notify.notification import Notification, SinkRequest
from calltally.calls.errors import InvalidInput
from calltally.net.standard_webhooks import format_secret, is_secret

_Url = Annotated[str, Meta(min_length=8, max_length=2000)]
_ShortText = Annotated[str, Meta(min_length=1, max_length=200)]
# One address, with nothing that could begin another header.
_Address = Annotated[str, Meta(max_length=254, pattern=r"^[^\s@,;<>\"]+@[^\s@,;<>\"]+$")]

RequestBuilder: TypeAlias = Callable[[Notification, Mapping[str, Any], int], SinkRequest]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A misspelt setting is an error, not a default."""


class WebhookSettings(_Strict, frozen=True):
    """A URL; a `secret` (whsec_ and base64) is made where none is given, and shown once."""

    url: _Url
    secret: Annotated[str, Meta(max_length=100)] | None = None


class SlackSettings(_Strict, frozen=True):
    """The URL of an incoming webhook, which is itself the secret."""

    url: _Url


class PagerDutySettings(_Strict, frozen=True):
    """The integration key of a service, and the URL of another region."""

    routing_key: _ShortText
    url: _Url | None = None


class AlertmanagerSettings(_Strict, frozen=True):
    """Where Alertmanager is, without /api/v2, and how to sign in where it asks for that."""

    url: _Url
    username: _ShortText | None = None
    password: _ShortText | None = None
    token: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None


class EmailSettings(_Strict, frozen=True):
    """A mail server. `security` is `tls` from the first byte, `starttls`, or `none` in one's own network."""

    host: _ShortText
    from_: _Address = msgspec.field(name="from")
    to: Annotated[tuple[_Address, ...], Meta(min_length=1, max_length=20)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Annotated[str, Meta(pattern="^(tls|starttls|none)$")] = "starttls"
    username: _ShortText | None = None
    password: _ShortText | None = None


class SinkKind(NamedTuple):
    """`shape` makes the request; None for mail. `secret` names the settings that are never shown again."""

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
        SinkKind(WEBHOOK, WebhookSettings, frozenset({"secret"}), webhook.build_request),
        SinkKind("slack", SlackSettings, frozenset({"url"}), slack.build_request),
        SinkKind("pagerduty", PagerDutySettings, frozenset({"routing_key"}), pagerduty.build_request),
        SinkKind(
            ALERTMANAGER, AlertmanagerSettings, frozenset({"password", "token"}), alertmanager.build_request
        ),
        SinkKind(EMAIL, EmailSettings, frozenset({"password"}), None),
    )
}


def check_settings(kind: str, values: Any, random: bytes) -> dict[str, Any]:  # noqa: ANN401 (what JSON can say)
    """The settings of a sink of that kind. Raises InvalidInput, which names what is wrong."""
    sink_kind = KINDS.get(kind)
    if sink_kind is None:
        raise InvalidInput.of("kind", f"a sink is one of {', '.join(KINDS)}")
    try:
        settings: dict[str, Any] = msgspec.to_builtins(msgspec.convert(values, sink_kind.settings))
    except msgspec.ValidationError as fault:
        raise InvalidInput.of("settings", f"the settings of a {kind} sink: {fault}") from fault
    if kind == WEBHOOK:
        settings.setdefault("secret", format_secret(random))
        if not is_secret(settings["secret"]):
            raise InvalidInput.of("secret", "a secret is whsec_ and the base64 of 24 to 64 bytes")
    _check_lines(settings)
    return settings


def _check_lines(settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            raise InvalidInput.of(name, f"{name} has characters beyond printable ASCII")


def public_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What may be read again: without secrets."""
    return {name: value for name, value in settings.items() if name not in KINDS[kind].secret}
