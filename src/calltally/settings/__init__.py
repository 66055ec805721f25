"""What an operator can set: `CALLTALLY_*` variables over a TOML file over the defaults."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from calltally.settings.checks import (
    AdminKey,
    SecretKey,
    check_api_url,
    check_database_url,
    check_networks,
    check_public_url,
    check_read_url,
)

PREFIX: Final = "CALLTALLY_"
CONFIG_VARIABLE: Final = "CALLTALLY_CONFIG"
DEFAULT_CONFIG: Final = "calltally.toml"
# Of the commands that ask a server, this one or another: no settings, and nothing to stumble over.
CLIENT_VARIABLES: Final = frozenset({"CALLTALLY_BASE_URL", "CALLTALLY_API_KEY"})
MOST_WORKERS: Final = 256
_API_URL: Final = "_api_url"


class BadSetting(ValueError):
    """A setting is unknown or has a wrong value; the text names it and never quotes a value."""


class Settings(BaseSettings):
    """Every setting, with its meaning and unit. Immutable once read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    database_url: Annotated[str, AfterValidator(check_database_url)] = Field(
        "sqlite:///var/calltally.db",
        description="The database: sqlite:///PATH (three slashes and a relative path, four and an absolute"
        " one) or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    )
    read_url: Annotated[str, AfterValidator(check_read_url)] | None = Field(
        None,
        description="A read replica of the database, for reads: postgresql://USER:PASSWORD@HOST:PORT/NAME."
        " Unset: the database answers all of them.",
    )
    database_connections: int = Field(
        8,
        ge=1,
        le=1000,
        description="PostgreSQL connections of one process for reads; one more writes, and with a replica"
        " it has as many again.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on; 0.0.0.0 for all.")
    port: int = Field(8080, ge=0, le=65535, description="The TCP port to listen on; 0 takes any free one.")
    workers: int = Field(
        1,
        ge=1,
        le=MOST_WORKERS,
        description="How many processes of `calltally serve` have the port; above 1 with PostgreSQL only.",
    )
    max_connections: int = Field(
        4096,
        ge=16,
        le=100_000,
        description="Client connections of one process at most. At the bound the one that has waited longest"
        " for its client is closed.",
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="For how long a connection stays open for its next request. It must be longer than a"
        " proxy in front keeps its idle connections.",
    )
    admin_key: AdminKey | None = Field(
        None,
        description="What x-admin-key must be, of at least 32 characters. Unset: the admin API answers 401 to"
        " everybody.",
    )
    public_url: Annotated[str, AfterValidator(check_public_url)] | None = Field(
        None,
        description="The URL under which the outside reaches this service. Providers sign it, so set it"
        " behind a proxy. Unset: each request's own scheme and Host.",
    )
    secret_key: SecretKey | None = Field(
        None,
        description="Encrypts the providers' secrets at rest: the base64 of 32 random bytes. Unset with"
        " SQLite: made on first start, in secret.key beside the database.",
    )
    former_secret_key: SecretKey | None = Field(
        None, description="The secret key before a rotation: still opens what was sealed with it."
    )
    rate_limit_per_minute: int = Field(
        1000, ge=0, le=1_000_000, description="Requests a minute and API key, and the burst; 0 for no limit."
    )
    trust_proxy: bool = Field(
        default=False,
        description="Whether to believe X-Forwarded-For and X-Forwarded-Proto. Only behind a proxy.",
    )
    snapshot_hours: int = Field(
        48, ge=1, le=8760, description="For how many hours a snapshot of a list can be asked for again."
    )
    embedded_worker: bool = Field(
        default=True,
        description="Whether `calltally serve` does the background work as well: deliveries, alerts,"
        " retention and jobs. Set it to false only where `calltally worker` runs.",
    )
    worker_interval_seconds: int = Field(
        60, ge=1, le=3600, description="The pause between two rounds of the background work."
    )
    rate_alerts: bool = Field(
        True,  # noqa: FBT003 (how pydantic takes a default)
        description="Whether unusual rates and silence are looked for. Without it alerts are of what can be"
        " told of single calls, callbacks and endpoints.",
    )
    twilio_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.twilio.com",
        description="Where Twilio's list of calls is asked for: another region, or a stand-in for tests.",
    )
    telnyx_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.telnyx.com", description="Where Telnyx's detail records of calls are asked for."
    )
    vonage_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.nexmo.com", description="Where Vonage's list of calls is asked for."
    )
    plivo_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.plivo.com", description="Where Plivo's list of calls is asked for."
    )
    signalwire_api_url: Annotated[str, AfterValidator(check_api_url)] | None = Field(
        None,
        description="Where SignalWire's list of calls is asked for. Unset: at each tenant's own space.",
    )
    jambonz_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.jambonz.cloud",
        description="Where jambonz's recent calls are asked for: of your own system, what stands before /v1.",
    )
    vapi_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.vapi.ai", description="Where Vapi's list of calls is asked for."
    )
    retell_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.retellai.com", description="Where Retell's list of calls is asked for."
    )
    elevenlabs_api_url: Annotated[str, AfterValidator(check_api_url)] = Field(
        "https://api.elevenlabs.io",
        description="Where ElevenLabs' list of conversations is asked for; each data residency has its own.",
    )
    outgoing_allow_http: bool = Field(
        default=False,
        description="Whether webhook endpoints and alert sinks may have plain http URLs. For trying out.",
    )
    outgoing_allow_networks: Annotated[str, AfterValidator(check_networks)] | None = Field(
        None,
        description="Networks that are not public and to which webhooks and alerts may be sent all the same,"
        " in CIDR separated by commas: 10.0.0.0/8, fd00::/8. Unset: public addresses only.",
    )
    delivery_timeout_seconds: int = Field(
        10, ge=1, le=60, description="How long a webhook endpoint has to answer a delivery, as a whole."
    )
    event_days: int = Field(
        14,
        ge=4,
        le=365,
        description="For how many days events and what became of their deliveries are kept.",
    )
    alert_days: int = Field(
        400, ge=7, le=3650, description="For how many days alerts are kept that are over."
    )
    files_folder: Path | None = Field(
        None,
        description="The folder for the files of exports and reconciliations; all nodes must see the same."
        " Unset with SQLite: files, beside the database. Unset with PostgreSQL: there are no such jobs.",
    )
    export_days: int = Field(
        7, ge=1, le=365, description="For how many days the files of an export or a reconciliation are kept."
    )
    metrics_by_tenant: bool = Field(
        default=False,
        description="Whether calltally_alert in /metrics names tenants. Only where strangers cannot scrape.",
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="How log lines look: json for machines, console for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines that are logged."
    )

    def api_urls(self) -> dict[str, str]:
        """Where each provider's API is asked, by the provider's name: the settings whose names say so."""
        names = [name for name in type(self).model_fields if name.endswith(_API_URL)]
        return {name.removesuffix(_API_URL): getattr(self, name) or "" for name in names}


def read_settings(folder: Path) -> Settings:
    """The settings of this process: its environment over CALLTALLY_CONFIG or `folder`'s calltally.toml.

    Raises BadSetting for unknown names, wrong values and an unreadable file.
    """
    _refuse_unknown_variables(os.environ)
    named = os.environ.get(CONFIG_VARIABLE)
    path = folder / (named or DEFAULT_CONFIG)
    written = _read_file(path) if named or path.is_file() else {}
    try:
        return Settings(**{name: value for name, value in written.items() if not _variable(name)})
    except ValidationError as fault:
        texts = (_in_words(error, path) for error in fault.errors(include_input=False, include_url=False))
        raise BadSetting("; ".join(texts)) from None


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    others = known | CLIENT_VARIABLES
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name not in others)
    if unknown:
        message = f"unknown variable {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        raise BadSetting(message)


def _variable(name: str) -> str | None:
    """What the environment says of a setting; nothing, where it is empty."""
    return os.environ.get(PREFIX + name.upper()) or None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{CONFIG_VARIABLE} names {path}, which is not there"
    except OSError as fault:
        message = f"{path} cannot be read: {fault.strerror}"
    except ValueError as fault:
        message = f"{path} is not TOML: {fault}"
    raise BadSetting(message)


def _in_words(error: ErrorDetails, path: Path) -> str:
    """One fault with the name as its writer wrote it. No value: it may be a secret."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key {name}; there are {', '.join(sorted(Settings.model_fields))}"
    place = PREFIX + name.upper() if _variable(name) else f"{path}: {name}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def secret_text(secret: SecretStr | None) -> str | None:
    """What a setting hides; None where it is not set."""
    return secret.get_secret_value() if secret else None
