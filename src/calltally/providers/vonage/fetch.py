"""Vonage's list of an application's calls, page by page, and one call by its id.

Source: Vonage's pages "Voice API: get details of calls" and "JSON Web Tokens": requests are signed by the
application's private key (RS256), a token lives for at most 24 hours.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from calltally.calls.errors import Misconfigured
from calltally.calls.events import Fact
from calltally.calls.times import SECOND_US
from calltally.providers import rest
from calltally.providers.callback import Refusal
from calltally.providers.fetching import Access, Ask, Fetch, Fetching, Listing, Started
from calltally.providers.vonage.resources import SHAPE, fact_of

ACCOUNT: Final = "application_id"
SECRET_NAMES: Final = (ACCOUNT, "private_key")
PAGE_SIZE: Final = 100

_TITLE: Final = "Vonage"
_PATH: Final = "/v1/calls"
# A run that takes longer has to be run again; more than a day Vonage does not take.
_LIFE_S: Final = 23 * 3_600
_API: Final = rest.Api(
    title=_TITLE,
    sign_in="application_id and private_key have to be of one application",
    shape=SHAPE,
    fact_of=fact_of,
    complaints=("detail", "title", "error_title"),
)


def account_of(secrets: Mapping[str, str]) -> str:
    """The application whose calls are listed; raises Misconfigured where it is not said."""
    return rest.need_secret(secrets, ACCOUNT, _TITLE)


def list_page(access: Access, started: Started, place: str | None) -> Fetching[Listing]:
    """One page of the calls that started in a stretch of time; `place` is the index of its first one."""
    index = int(place or 0)
    document = _API.read((yield _get(access, f"{_PATH}?{_query(started, index)}")))
    page = _API.page_of(document, "_embedded.calls")
    listed = len(page["_embedded"]["calls"])
    facts = list(_API.facts(document, access, account_of(access.secrets)))
    return Listing(facts, str(index + listed) if _goes_on(page, index, listed) else None)


def one_call(access: Access, call_sid: str) -> Fetching[list[Fact | Refusal]]:
    """What Vonage says of one call now; nothing where it knows none of that id."""
    answered = yield _get(access, f"{_PATH}/{quote(call_sid, safe='')}")
    # It says 400 of what is no UUID.
    if answered.status in {rest.NOT_FOUND, 400}:
        return []
    return list(_API.facts(_API.read(answered), access, account_of(access.secrets)))


FETCH: Final = Fetch(SECRET_NAMES, account_of, list_page, one_call)


def _goes_on(page: Mapping[str, Any], index: int, listed: int) -> bool:
    """Whether there can be more: a full page, by the size that the server says, or fewer than it counts."""
    size, count = page.get("page_size"), page.get("count")
    is_full = listed >= (size if isinstance(size, int) and size > 0 else PAGE_SIZE)
    return listed > 0 and (is_full or (isinstance(count, int) and index + listed < count))


def _query(started: Started, index: int) -> str:
    return urlencode(
        {
            "date_start": rest.second(started.from_us),
            "date_end": rest.second_after(started.to_us),
            "page_size": PAGE_SIZE,
            "record_index": index,
            "order": "asc",
        }
    )


def _get(access: Access, target: str) -> Ask:
    return rest.get(access, target, rest.bearer(_token(access)))


def _token(access: Access) -> str:
    """A token for one run: everything in it follows from the access, so that nothing here rolls dice."""
    issued_s = access.received_us // SECOND_US
    application = account_of(access.secrets)
    claims = {
        "application_id": application,
        "iat": issued_s,
        "exp": issued_s + _LIFE_S,
        "jti": sha256(f"{application}\0{access.received_us}".encode()).hexdigest()[:32],
    }
    message = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = _private_key(access.secrets).sign(message.encode(), PKCS1v15(), SHA256())
    return f"{message}.{_base64url(signature)}"


def _private_key(secrets: Mapping[str, str]) -> RSAPrivateKey:
    text = secrets.get("private_key", "")
    if not text:
        raise Misconfigured(
            "to ask Vonage for its calls takes the application's private_key, which is missing: put it with"
            " `calltally provider put`, its line breaks written as \\n"
        )
    try:
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise Misconfigured("private_key is no private key in PEM: put it again, whole") from fault
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured("private_key is no RSA key, which is what Vonage takes")
    return key


def _part(claims: Mapping[str, Any]) -> str:
    return _base64url(msgspec.json.encode(claims))


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
