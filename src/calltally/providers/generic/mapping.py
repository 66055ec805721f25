"""Data model of a compiled mapping."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from calltally.providers.generic import readers
from calltally.providers.generic.paths import Path
from calltally.providers.generic.readers import FieldParsers, ReadValue

# Meanings of a status word besides a status: ignore the event, or leave the status out.
IGNORE: Final = "ignore"
UNSAID: Final = "unsaid"
ANY_WORD: Final = "*"


class BodyFormat(StrEnum):
    """Format of bodies and files."""

    JSON = "json"
    FORM = "form"
    CSV = "csv"
    XML = "xml"


class VerificationScheme(StrEnum):
    """Authentication scheme of requests."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    BEARER = "bearer"
    BASIC = "basic"
    JWT_HS256 = "jwt-hs256"
    JWT_RS256 = "jwt-rs256"
    BODY = "body"


class Handshake(StrEnum):
    """Provider whose handshake a mapping answers."""

    ZOOM = "zoom"
    RINGCENTRAL = "ringcentral"


class VerificationRules(NamedTuple):
    """Verification of a request. `pieces` build the signed message from texts and parts of the request.

    A token has its digest of the body in the claim `digest_claim`. `secret_path` leads to a secret inside the
    body.
    """

    scheme: VerificationScheme
    header: str = "authorization"
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    part: str = ""
    separator: str = ""
    pieces: tuple[tuple[str, str], ...] = (("body", ""),)
    timestamp: str = ""
    timestamp_part: str = ""
    timestamp_unit: str = "s"
    tolerance_s: int = 300
    key_encoding: str = "text"
    key_prefix: str = ""
    digest_claim: str = ""
    digest_encoding: str = "hex"
    issuer: str = ""
    audience: str = ""
    secret_path: Path | None = None
    challenge: Handshake | None = None


class MappedField(NamedTuple):
    """One of our fields: its paths, of which the first non-empty one counts, and its parser.

    With `is_joined`, slashes join the values of all paths for a lookup in `words`.
    """

    name: str
    into: str
    paths: tuple[Path, ...]
    read: ReadValue | None = None
    words: Mapping[str, str] | None = None
    constant: Any = None
    is_joined: bool = False


class EventRule(NamedTuple):
    """Rule for one kind of event: the value at `path` is one of `kinds`, compared without case.

    `fields` are all fields of such an event: those of the mapping, replaced by those of the rule.
    """

    path: Path
    kinds: frozenset[str]
    is_ignored: bool
    fields: tuple[MappedField, ...]


class TranscriptRule(NamedTuple):
    """Paths of a list of turns, and of role, text and times in one turn; `unit_s` is the unit of times."""

    turns: Path
    role: Path
    text: Path
    start: Path | None
    end: Path | None
    unit_s: float
    roles: Mapping[str, str]


class CsvLayout(NamedTuple):
    """Layout of a table. Without `columns`, its first row names them."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    columns: tuple[str, ...] = ()


class CompiledMapping(NamedTuple):
    """Valid mapping. `volatile` are the parts of an event that differ between its repeats."""

    provider: str
    is_carrier: bool
    format: BodyFormat
    events: Path | None
    time_zone: str
    csv: CsvLayout
    verification: VerificationRules | None
    fields: tuple[MappedField, ...]
    metadata: tuple[tuple[str, Path], ...]
    volatile: tuple[Path, ...]
    rules: tuple[EventRule, ...] = ()
    transcript: TranscriptRule | None = None


# Our fields: the name in a tenant's own events, the internal name, and the kind of value.
FIELDS: Final[Mapping[str, tuple[str, FieldParsers]]] = {
    "call_sid": ("call_sid", readers.ID),
    "id": ("event_id", readers.ID),
    "occurred_at": ("occurred_us", readers.TIME),
    "sequence": ("sequence", readers.SEQUENCE),
    "carrier_sid": ("carrier_sid", readers.ID),
    "status": ("status", readers.WORD),
    "direction": ("direction", readers.WORD),
    "from_number": ("from_number", readers.PARTY),
    "to_number": ("to_number", readers.PARTY),
    "own_number": ("own_number", readers.PARTY),
    "other_number": ("other_number", readers.PARTY),
    "route": ("route", readers.WORD),
    "agent": ("agent", readers.WORD),
    "session_id": ("session_id", readers.ID),
    "stream_id": ("stream_id", readers.ID),
    "session_successful": ("session_successful", readers.FLAG),
    "parent_call_sid": ("parent_call_sid", readers.ID),
    "provider_account": ("provider_account", readers.ID),
    "started_at": ("started_us", readers.TIME),
    "ringing_at": ("ringing_us", readers.TIME),
    "answered_at": ("answered_us", readers.TIME),
    "ended_at": ("ended_us", readers.TIME),
    "duration_seconds": ("talk_seconds", readers.LENGTH),
    "total_seconds": ("total_seconds", readers.LENGTH),
    "escalated": ("escalated", readers.FLAG),
    "transfer_target": ("transfer_target", readers.WORD),
    "transfer_outcome": ("transfer_outcome", readers.WORD),
    "summary": ("summary", readers.SUMMARY),
    "end_reason": ("end_reason", readers.WORD),
    "hangup_cause": ("hangup_cause", readers.Q850),
    "sip_code": ("sip_code", readers.SIP),
    "error_code": ("error_code", readers.WORD),
    "answered_by": ("answered_by", readers.WORD),
    "recording_url": ("recording_url", readers.LINK),
    "cost_amount": ("cost_amount", readers.AMOUNT),
    "cost_currency": ("cost_currency", readers.CURRENCY),
    "tags": ("tags", readers.TAGS),
}
