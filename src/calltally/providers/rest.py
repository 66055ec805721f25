"""What providers' REST APIs have in common: signing in, and what an answer that is no list means."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from calltally.calls.errors import Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Door, Fact
from calltally.calls.times import EPOCH, SECOND_US
from calltally.providers.callback import Refusal, Source
from calltally.providers.json_documents import Document, FactOf, Shape, decode, document_facts
from calltally.providers.list_requests import Access, Answered, Ask
from calltally.providers.values import at

NOT_FOUND: Final = 404
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})
_TOO_MANY: Final = 429
_FAILING: Final = 500
_QUOTED_CHARS: Final = 200


class Api(NamedTuple):
    """One provider's API: its name for people, what a refused sign-in needs, and how its calls look.

    `complaints` are the paths under which its errors say what is wrong, the first that is there counts.
    """

    title: str
    sign_in: str
    shape: Shape
    fact_of: FactOf
    complaints: tuple[str, ...] = ("message",)

    def read(self, answered: Answered) -> Document:
        """The document of an answer that has one.

        Raises Misconfigured for a refused sign-in, Unavailable where it is worth asking again, and
        NotUnderstood for whatever else is no list.
        """
        if answered.status != _OK:
            raise self._fault(answered)
        document = decode(answered.body, f"{self.title}'s answer")
        if isinstance(document, Refusal):
            raise NotUnderstood(f"{document.position}: {document.reason}")
        return document

    def facts(self, document: Document, access: Access, account: str = "") -> Iterator[Fact | Refusal]:
        """The calls of a document; `account` is whose they are, where they do not say it themselves."""
        source = Source(Door.PROVIDER_LIST, access.received_us, account)
        return document_facts(document, source, self.shape, self.fact_of)

    def page_of(self, document: Document, list_path: str) -> Mapping[str, Any]:
        """A page with its list under a path; raises NotUnderstood."""
        value = document.value
        if not isinstance(value, dict) or not isinstance(at(value, list_path), list):
            raise NotUnderstood(
                f"{self.title}'s list is no page of calls; see that the address is that of its API"
            )
        return value

    def next_page(self, page: Mapping[str, Any], path: str) -> str | None:
        """Where the next page is, None on the last; raises NotUnderstood for what is no text."""
        following = at(page, path)
        if following is not None and not isinstance(following, str):
            raise NotUnderstood(f"{self.title}'s page does not say by a text where the next one is ({path})")
        return following or None

    def check_target(self, target: str, path: str) -> str:
        """A page's address, which has to be of the same list: the sign-in goes there with the request."""
        if target.partition("?")[0] != path:
            raise NotUnderstood(
                f"{self.title}'s list goes on at {target[:_QUOTED_CHARS]!r}, which is not that list"
            )
        return target

    def _fault(self, answered: Answered) -> Exception:
        said = f"{self.title} answered {answered.status}{self._complaint(answered.body)}"
        if answered.status in _REFUSED:
            return Misconfigured(f"{said}: {self.sign_in}")
        if answered.status == _TOO_MANY or answered.status >= _FAILING:
            return Unavailable(f"{said}; what was done is kept, so run it again later")
        return NotUnderstood(f"{said}; see that the address is that of its API")

    def _complaint(self, body: bytes) -> str:
        """What the provider's own error says; it holds no secret."""
        try:
            document: Any = msgspec.json.decode(body)
        except ValueError:
            return ""
        content = document if isinstance(document, dict) else {}
        said = [text for path in self.complaints if isinstance(text := at(content, path), str)]
        return f" ({said[0][:_QUOTED_CHARS]})" if said else ""


def get(access: Access, target: str, authorization: str) -> Ask:
    """A request for a target at the provider's address."""
    headers = {"authorization": authorization, "accept": "application/json"}
    return Ask(access.base_url.rstrip("/") + target, headers)


def basic(user: str, password: str) -> str:
    """Sign-in by name and password."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def bearer(token: str) -> str:
    """Sign-in by a token."""
    return f"Bearer {token}"


def need_secret(secrets: Mapping[str, str], name: str, title: str) -> str:
    """A secret that asking takes; raises Misconfigured."""
    secret = secrets.get(name, "")
    if not secret or not secret.isascii() or not secret.isprintable():
        wrong = "is missing" if not secret else "has characters that no header takes"
        raise Misconfigured(
            f"to ask {title} for its calls takes {name}, which {wrong}: put it with `calltally provider put`"
        )
    return secret


def local_part(url: str) -> str:
    """The path and query of an address that may be whole."""
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc="").geturl()


def second(instant_us: int) -> str:
    """An instant as RFC 3339 with whole seconds, cut."""
    return (EPOCH + timedelta(seconds=instant_us // SECOND_US)).strftime("%Y-%m-%dT%H:%M:%SZ")


def second_after(instant_us: int) -> str:
    """The whole second at or after an instant, as RFC 3339."""
    return second(instant_us + SECOND_US - 1)
