"""Fields of the settings: the default, the limits and the description of each."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from calltally.settings.checks import (
    AdminKey,
    ApiUrl,
    SecretKey,
    check_database_url,
    check_networks,
    check_public_url,
    check_read_url,
)

PREFIX: Final = "CALLTALLY_"
MOST_WORKERS: Final = 256
_API_URL: Final = "_api_url"


class Settings(BaseModel):
    """All settings, with their meanings and units. Immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: Annotated[str, AfterValidator(check_database_url)] = Field(
        "sqlite:///var/calltally.db",
        description="The database: sqlite:///PATH (three slashes and a relative path, four and an absolute"
        " one) or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    )
    read_url: Annotated[str, AfterValidator(check_read_url)] | None = Field(
        None,
        description="A read replica of the database: postgresql://USER:PASSWORD@HOST:PORT/NAME."
        " Unset: the database itself answers all reads.",
    )
    database_connections: int = Field(
        8,
        ge=1,
        le=1000,
        description="PostgreSQL connections for reads, per process; one more connection writes. A read"
        " replica gets the same number.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on; 0.0.0.0 for all.")
    port: int = Field(8080, ge=0, le=65535, description="The TCP port to listen on; 0 takes any free one.")
    workers: int = Field(
        1,
        ge=1,
        le=MOST_WORKERS,
        description="The number of processes of `calltally serve` on the port; above 1 with PostgreSQL only.",
    )
    max_connections: int = Field(
        4096,
        ge=16,
        le=100_000,
        description="The maximum number of client connections per process. At the limit, the connection that"
        " has waited longest for its client is closed.",
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="Seconds for which a connection stays open for its next request. Set it higher than the"
        " idle timeout of a proxy in front.",
    )
    admin_key: AdminKey | None = Field(
        None,
        description="The value that x-admin-key must have, at least 32 characters. Unset: the admin API"
        " answers 401 to all requests.",
    )
    public_url: Annotated[str, AfterValidator(check_public_url)] | None = Field(
        None,
        description="The public URL of this service. Providers sign this URL, so set it if the service is"
        " behind a proxy. Unset: the scheme and Host of each request.",
    )
    secret_key: SecretKey | None = Field(
        None,
        description="The key that encrypts the providers' secrets at rest: the base64 of 32 random bytes."
        " Unset with SQLite: created on first start, in secret.key beside the database.",
    )
    former_secret_key: SecretKey | None = Field(
        None, description="The secret key before a rotation. It still decrypts values that it encrypted."
    )
    rate_limit_per_minute: int = Field(
        1000,
        ge=0,
        le=1_000_000,
        description="Requests per minute and API key, and the burst; 0 for no limit.",
    )
    trust_proxy: bool = Field(
        default=False,
        description="Trust X-Forwarded-For and X-Forwarded-Proto. Set it only behind a proxy.",
    )
    snapshot_hours: int = Field(
        48, ge=1, le=8760, description="Hours for which a snapshot of a list can be read again."
    )
    embedded_worker: bool = Field(
        default=True,
        description="Run the background work inside `calltally serve`: deliveries, alerts, retention and"
        " jobs. Set it to false only if `calltally worker` runs.",
    )
    worker_interval_seconds: int = Field(
        60, ge=1, le=3600, description="Seconds between two runs of the background work."
    )
    rate_alerts: bool = Field(
        True,  # noqa: FBT003 (how pydantic takes a default)
        description="Detect unusual rates and silence. If false, alerts cover only single calls, callbacks"
        " and endpoints.",
    )
    twilio_api_url: ApiUrl = Field(
        "https://api.twilio.com",
        description="The base URL of Twilio's list of calls. Change it for another region or a test double.",
    )
    telnyx_api_url: ApiUrl = Field(
        "https://api.telnyx.com", description="The base URL of Telnyx's detail records of calls."
    )
    vonage_api_url: ApiUrl = Field(
        "https://api.nexmo.com", description="The base URL of Vonage's list of calls."
    )
    plivo_api_url: ApiUrl = Field(
        "https://api.plivo.com", description="The base URL of Plivo's list of calls."
    )
    signalwire_api_url: ApiUrl | None = Field(
        None,
        description="The base URL of SignalWire's list of calls. Unset: each tenant's own space.",
    )
    jambonz_api_url: ApiUrl = Field(
        "https://api.jambonz.cloud",
        description="The base URL of jambonz's recent calls; for your own system, the part before /v1.",
    )
    vapi_api_url: ApiUrl = Field("https://api.vapi.ai", description="The base URL of Vapi's list of calls.")
    retell_api_url: ApiUrl = Field(
        "https://api.retellai.com", description="The base URL of Retell's list of calls."
    )
    elevenlabs_api_url: ApiUrl = Field(
        "https://api.elevenlabs.io",
        description="The base URL of ElevenLabs' list of conversations; each data residency has its own.",
    )
    outgoing_allow_http: bool = Field(
        default=False,
        description="Allow plain http URLs for webhook endpoints and alert sinks. For trials only.",
    )
    outgoing_allow_networks: Annotated[str, AfterValidator(check_networks)] | None = Field(
        None,
        description="Private networks to which webhooks and alerts may be sent, in CIDR, separated by commas:"
        " 10.0.0.0/8, fd00::/8. Unset: public addresses only.",
    )
    delivery_timeout_seconds: int = Field(
        10,
        ge=1,
        le=60,
        description="Seconds that a webhook endpoint has for the whole response to a delivery.",
    )
    event_days: int = Field(
        14,
        ge=4,
        le=365,
        description="Days for which events and the outcomes of their deliveries are stored.",
    )
    alert_days: int = Field(400, ge=7, le=3650, description="Days for which resolved alerts are stored.")
    files_folder: Path | None = Field(
        None,
        description="The folder for the files of exports and reconciliations; all nodes must share it. Unset"
        " with SQLite: `files`, beside the database. Unset with PostgreSQL: such jobs are off.",
    )
    erasures_file: Path | None = Field(
        None,
        description="The file that records erasures, for `calltally restore`; all nodes must share it. Unset"
        " with SQLite: `.erasures` after the database's name. Unset with PostgreSQL: none is recorded.",
    )
    export_days: int = Field(
        7, ge=1, le=365, description="Days for which the files of an export or a reconciliation are stored."
    )
    metrics_by_tenant: bool = Field(
        default=False,
        description="Label calltally_alert in /metrics by tenant. Set it only if /metrics is not public.",
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="The format of log lines: json for machines, console for people."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level of the lines that are logged."
    )

    def api_urls(self) -> dict[str, str]:
        """Return the base URL of each provider's API by provider name, from the settings of that suffix."""
        names = [name for name in type(self).model_fields if name.endswith(_API_URL)]
        return {name.removesuffix(_API_URL): getattr(self, name) or "" for name in names}


def secret_text(secret: SecretStr | None) -> str | None:
    """Return the plain text of a secret setting; None if it is not set."""
    return secret.get_secret_value() if secret else None
