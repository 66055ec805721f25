"""One cookie of a request's header (RFC 6265), read in time that grows with its length alone."""

from typing import Final

from calltally.web.response.problem_kinds import BadRequest

# All of ours together have some 5 KB at most: a browser also sends those of other services on this host.
MOST_COOKIE_CHARS: Final = 8 * 1024


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of a cookie, None where it is not there; of one that came several times the last.

    Raises BadRequest for a header that is too long. Not by `http.cookies`, which takes quadratic time for a
    quoted value. Ours have no escapes: quotes are taken off, and nothing is decoded.
    """
    if len(header) > MOST_COOKIE_CHARS:
        raise BadRequest(
            f"the cookies for this host have {len(header)} characters, more than {MOST_COOKIE_CHARS}:"
            " delete them in your browser, and sign in again"
        )
    pairs = (pair.partition("=") for pair in header.split(";"))
    values = [value.strip(' \t"') for found, _, value in pairs if found.strip() == name]
    return values[-1] if values else None
