"""Deprecation of an operation or a parameter, declared once for the OpenAPI document and the responses."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Final

# As docs/reference/compatibility.md promises.
MIN_NOTICE: Final = timedelta(days=365)
_POLICY: Final = "/docs/guide/reference/compatibility.html#deprecation"


@dataclass(frozen=True, kw_only=True)
class Deprecation:
    """Announcement that a part of the API ends.

    - `since`: the day in UTC from which it is deprecated.
    - `sunset`: the first day in UTC on which it may be missing, at least `MIN_NOTICE` later.
    - `instead`: a sentence that names the replacement.
    """

    since: date
    sunset: date
    instead: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < MIN_NOTICE:
            message = f"{self.sunset} is less than {MIN_NOTICE.days} days after {self.since}"
            raise ValueError(message)

    def headers(self, public_path: str) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers of a response: RFC 9745, RFC 8594, and a link to the policy."""
        since, sunset = (datetime.combine(day, time(), UTC) for day in (self.since, self.sunset))
        return (
            (b"deprecation", b"@%d" % since.timestamp()),
            (b"sunset", format_datetime(sunset, usegmt=True).encode()),
            (b"link", f'<{public_path}{_POLICY}>; rel="deprecation"; type="text/html"'.encode()),
        )

    @property
    def description(self) -> str:
        return f"Deprecated since {self.since}; works until {self.sunset} at least. {self.instead}"
