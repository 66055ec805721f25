"""Log lines on stderr: one JSON object or one coloured line each, without secrets and phone numbers."""

import logging
import logging.config
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType


@contextmanager
def _as_if_not_installed(name: str) -> Iterator[None]:
    """Make the import of `name` fail within the context, unless it is already loaded."""
    is_loaded = name in sys.modules
    if not is_loaded:
        # A module that is None in sys.modules cannot be imported (Python's reference, 5.3.1).
        sys.modules[name] = None  # type: ignore[assignment] # as the reference has it
    try:
        yield
    finally:
        if not is_loaded:
            del sys.modules[name]


# structlog loads rich if it is installed: 5 MB for coloured tracebacks, which are not used here.
with _as_if_not_installed("rich"):
    import structlog
    from structlog.typing import Processor

LogFormat: TypeAlias = Literal["json", "console"]
LogEvent: TypeAlias = MutableMapping[str, Any]

HIDDEN: Final = "[hidden]"
_REQUEST_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}
# It logs every request with its URL. A provider's URL contains the account and the call.
_HTTP_CLIENT_LOGGER: Final = "httpx2"
_SECRET_NAMES: Final = re.compile(
    r"authorization|cookie|password|secret|token|signature|(?:api|admin)[-_]?key", re.IGNORECASE
)
_API_KEY: Final = re.compile(r"\bct_[a-z0-9-]{1,64}_[\w-]{8,}", re.ASCII)
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
# A plus sign, also URL-encoded, then an E.164 number. Bare digits stay: ids and times consist of them.
_PHONE: Final = re.compile(r"(\+|%2B)[1-9](?:[ ().-]{0,2}\d){6,14}", re.IGNORECASE | re.ASCII)


get_logger: Final = structlog.get_logger


class RequestLine(msgspec.Struct):
    """Access line of one request. `route` is the template of the path; unset fields are left out.

    `key` is the name of the API key, `reason` the slug of an error or the cause of a refused callback.
    """

    method: str
    route: str
    status: int
    duration_ms: float
    sent_bytes: int
    request_id: str
    tenant: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    level: Literal["debug", "info"] = "info"
    event: str = "request"
    logger: str = "calltally.requests"
    at: datetime | UnsetType = UNSET
    worker: object = UNSET


class _RequestLog:
    """Writer of access lines. As JSON it bypasses structlog, which takes a quarter of a page's time."""

    def __init__(self, form: LogFormat, stream: TextIO) -> None:
        self._is_json = form == "json"
        self._stream = stream
        self._encode = msgspec.json.Encoder().encode

    def write(self, line: RequestLine) -> None:
        if not self._is_json:
            fields = msgspec.structs.asdict(line)
            write = getattr(get_logger(fields.pop("logger")), fields.pop("level"))
            write(**{name: value for name, value in fields.items() if value is not UNSET})
            return
        line.at = datetime.now(UTC)  # clock: as of the other log lines
        line.worker = _bound.get("worker", UNSET)
        # As with other lines, a full disk or a closed pipe costs the line and not the request.
        with suppress(OSError, ValueError):
            self._stream.write(self._encode(line).decode() + "\n")


_bound: Final[dict[str, object]] = {}
_request_logs: Final[dict[str, _RequestLog]] = {}


def log_request(line: RequestLine) -> None:
    """Write an access line, unless its level is off. Its texts must hold no secret and no number."""
    if (log := _request_logs.get(line.level)) is not None:
        log.write(line)


def bind_log_fields(**fields: object) -> None:
    """Add these fields to all later log lines of the process."""
    structlog.contextvars.bind_contextvars(**fields)
    _bound.update(fields)


@contextmanager
def errors_logged(
    write: Callable[..., object], event: str, expected: type[Exception], **fields: object
) -> Iterator[None]:
    """Log an error by `write` and go on after the block; unless it is expected, with its traceback."""
    try:
        yield
    except Exception as fault:  # noqa: BLE001 - it is logged
        write(event, detail=str(fault), exc_info=not isinstance(fault, expected), **fields)


def set_up_logs(form: LogFormat, level: str) -> None:
    """Route structlog and the standard library's loggers through one redacting handler on stderr."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()], processors=_last_processors(form)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    request_log = _RequestLog(form, handler.stream)
    _request_logs.clear()
    _request_logs.update(
        (name, request_log) for name in _REQUEST_LEVELS if root.isEnabledFor(_REQUEST_LEVELS[name])
    )
    logging.getLogger(_HTTP_CLIENT_LOGGER).setLevel(logging.WARNING)


def _last_processors(form: LogFormat) -> list[Processor]:
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=_has_colors(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # Before redaction, so that a number or key in an exception's text is hidden as well.
        structlog.processors.format_exc_info,
        redact,
        renderer,
    ]


def _has_colors() -> bool:
    """Decide on coloured lines: not into a pipe or a file, and not where NO_COLOR (no-color.org) is set."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def redact(_logger: object, _method: str, event: LogEvent) -> LogEvent:
    """Structlog processor that hides secrets by name and format, and phone numbers except for their end."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: object) -> object:
    if value is not None and _SECRET_NAMES.search(name):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(name, part) for part in value]
    return value if isinstance(value, int | float | None) else redact_text(str(value))


def redact_text(text: str) -> str:
    """Return `text` without API keys and URL passwords, and with two digits of each phone number."""
    text = _API_KEY.sub(HIDDEN, text)
    text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    return _PHONE.sub(lambda found: f"+…{found[0][-2:]}", text)
