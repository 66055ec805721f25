"""Parser of one cookie in a Cookie header (RFC 6265), in linear time."""

from typing import Final

from calltally.web.response.problem_kinds import BadRequest

# All dashboard cookies have about 5 KB together. A browser also sends cookies of other services on this host.
MAX_COOKIE_CHARS: Final = 8 * 1024


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of a cookie; None if it is missing, the last value if it is repeated.

    Raises BadRequest for a header that is too long. `http.cookies` takes quadratic time for a quoted value.
    Our cookies have no escapes: quotes are stripped, and nothing is decoded.
    """
    if len(header) > MAX_COOKIE_CHARS:
        raise BadRequest(
            f"the cookies for this host have {len(header)} characters, more than {MAX_COOKIE_CHARS}: delete"
            " them in your browser, and sign in again"
        )
    pairs = (pair.partition("=") for pair in header.split(";"))
    values = [value.strip(' \t"') for found, _, value in pairs if found.strip() == name]
    return values[-1] if values else None
