"""Log lines on stderr, one JSON object or one coloured line each, without secrets and phone numbers."""

import logging
import logging.config
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias


@contextmanager
def _as_if_not_installed(name: str) -> Iterator[None]:
    """Has `name` found missing by what is loaded meanwhile, unless it is there already."""
    is_loaded = name in sys.modules
    if not is_loaded:
        # What stands there as None cannot be imported (Python's reference, 5.3.1).
        sys.modules[name] = None  # type: ignore[assignment] # as the reference has it
    try:
        yield
    finally:
        if not is_loaded:
            del sys.modules[name]


# It would load a terminal library wherever that is, for tracebacks in colour that are not written here: 5 MB.
with _as_if_not_installed("rich"):
    import structlog
    from structlog.typing import Processor

Format: TypeAlias = Literal["json", "console"]
Event: TypeAlias = MutableMapping[str, Any]

HIDDEN: Final = "[hidden]"
# It tells every request with its URL, and a provider's has the account and the call in it.
_CLIENT: Final = "httpx2"
_SECRET_NAMES: Final = re.compile(
    r"authorization|cookie|password|secret|token|signature|(?:api|admin)[-_]?key", re.IGNORECASE
)
_API_KEY: Final = re.compile(r"\bct_[a-z0-9-]{1,64}_[\w-]{8,}", re.ASCII)
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")
# A plus sign, also as a URL writes it, then what E.164 allows. Bare digits stay: ids and times have them.
_PHONE: Final = re.compile(r"(\+|%2B)[1-9](?:[ ().-]{0,2}\d){6,14}", re.IGNORECASE | re.ASCII)


get_logger: Final = structlog.get_logger


def name_in_each_line(**fields: object) -> None:
    """Have every line that is logged from here on say these too."""
    structlog.contextvars.bind_contextvars(**fields)


def set_up_logs(form: Format, level: str) -> None:
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
    logging.getLogger(_CLIENT).setLevel(logging.WARNING)


def _last_processors(form: Format) -> list[Processor]:
    written: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # Before redaction, so that a number or key in an exception's text is hidden as well.
        structlog.processors.format_exc_info,
        redact,
        written,
    ]


def redact(_logger: object, _method: str, event: Event) -> Event:
    """Hide secrets by name and by shape, and all of a phone number but its end. A structlog processor."""
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
    """`text` without API keys and passwords in URLs, its phone numbers cut to their last two digits."""
    text = _API_KEY.sub(HIDDEN, text)
    text = _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    return _PHONE.sub(lambda found: f"+…{found[0][-2:]}", text)
