"""Common parts of providers' REST APIs: authentication, pages, and errors of unexpected responses."""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from calltally.calls.errors import Misconfigured, NotUnderstood, Unavailable
from calltally.calls.events import Channel, Fact
from calltally.calls.times import EPOCH, SECOND_US
from calltally.providers.call_fetcher import ApiAccess, ApiRequest, ApiResponse, FetchedPage, FetchGenerator
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.json_documents import FactOf, JsonDocument, RecordShape, decode, document_facts
from calltally.providers.values import value_at

NOT_FOUND: Final = 404
_OK: Final = 200
_UNAUTHORIZED: Final = frozenset({401, 403})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_QUOTED_CHARS: Final = 200


class RestApi(NamedTuple):
    """One provider's API: display name, help for rejected credentials, and the shape of its calls.

    `error_paths` are the paths of the message in its error bodies. The first one present counts.
    """

    title: str
    auth_hint: str
    shape: RecordShape
    fact_of: FactOf
    error_paths: tuple[str, ...] = ("message",)

    def read(self, response: ApiResponse) -> JsonDocument:
        """Return the JSON document of a response.

        Raises Misconfigured for rejected credentials, Unavailable if a retry can help, and NotUnderstood for
        all other responses.
        """
        if response.status != _OK:
            raise self._error(response)
        document = decode(response.body, f"{self.title}'s response")
        if isinstance(document, UnreadableRecord):
            raise NotUnderstood(f"{document.position}: {document.reason}")
        return document

    def facts(
        self, document: JsonDocument, access: ApiAccess, account: str = ""
    ) -> Iterator[Fact | UnreadableRecord]:
        """Return the calls of a document; `account` is the account of calls that name none."""
        source = RecordSource(Channel.PROVIDER_LIST, access.received_us, account)
        return document_facts(document, source, self.shape, self.fact_of)

    def fetch_page(
        self,
        access: ApiAccess,
        request: ApiRequest,
        list_path: str,
        next_of: Callable[[Mapping[str, Any]], str | None],
        account: str = "",
    ) -> FetchGenerator[FetchedPage]:
        """Fetch one page with its calls under a path; `next_of` returns the cursor of the next page."""
        document = self.read((yield request))
        page = self.page_of(document, list_path)
        return FetchedPage(list(self.facts(document, access, account)), next_of(page))

    def fetch_call(
        self,
        access: ApiAccess,
        request: ApiRequest,
        account: str = "",
        absent: Collection[int] = frozenset({NOT_FOUND}),
    ) -> FetchGenerator[list[Fact | UnreadableRecord]]:
        """Fetch the record of one call; nothing if the response has a status of `absent`."""
        response = yield request
        if response.status in absent:
            return []
        return list(self.facts(self.read(response), access, account))

    def page_of(self, document: JsonDocument, list_path: str) -> Mapping[str, Any]:
        """Return a page with its list under a path; raise NotUnderstood for other values."""
        value = document.value
        if not isinstance(value, dict) or not isinstance(value_at(value, list_path), list):
            raise NotUnderstood(f"{self.title}'s response is not a page of calls; check its API address")
        return value

    def next_page(self, page: Mapping[str, Any], path: str) -> str | None:
        """Return the link to the next page, None on the last; raise NotUnderstood for other values."""
        next_cursor = value_at(page, path)
        if next_cursor is not None and not isinstance(next_cursor, str):
            raise NotUnderstood(f"{self.title}'s link to the next page ({path}) is not a string")
        return next_cursor or None

    def check_target(self, target: str, path: str) -> str:
        """Return an address of the same list; refuse others, since the request carries credentials."""
        if target.partition("?")[0] != path:
            raise NotUnderstood(
                f"{self.title}'s link to the next page leads to another address: {target[:_QUOTED_CHARS]!r}"
            )
        return target

    def _error(self, response: ApiResponse) -> Exception:
        texts = f"{self.title} answered {response.status}{self._error_text(response.body)}"
        if response.status in _UNAUTHORIZED:
            return Misconfigured(f"{texts}: {self.auth_hint}")
        if response.status == _TOO_MANY_REQUESTS or response.status >= _SERVER_ERROR:
            return Unavailable(f"{texts}; completed work is saved, so run it again later")
        return NotUnderstood(f"{texts}; check the address of its API")

    def _error_text(self, body: bytes) -> str:
        """Return the message of the provider's own error; it contains no secret."""
        try:
            document: Any = msgspec.json.decode(body)
        except ValueError:
            return ""
        content = document if isinstance(document, dict) else {}
        texts = [text for path in self.error_paths if isinstance(text := value_at(content, path), str)]
        return f" ({texts[0][:_QUOTED_CHARS]})" if texts else ""


def get_request(access: ApiAccess, target: str, authorization: str) -> ApiRequest:
    """Return a GET request for a target at the provider's address."""
    headers = {"authorization": authorization, "accept": "application/json"}
    return ApiRequest(access.base_url.rstrip("/") + target, headers)


def basic_auth(user: str, password: str) -> str:
    """Return a basic authentication header."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def bearer_auth(token: str) -> str:
    """Return a bearer token header."""
    return f"Bearer {token}"


def require_secret(secrets: Mapping[str, str], name: str, title: str) -> str:
    """Return a secret that the API requires; raise Misconfigured without it."""
    secret = secrets.get(name, "")
    if not secret or not secret.isascii() or not secret.isprintable():
        problem = "is missing" if not secret else "has characters that are not allowed in a header"
        raise Misconfigured(
            f"{name} {problem}, and {title}'s list of calls needs it: store it with `calltally provider put`"
        )
    return secret


def path_and_query(url: str) -> str:
    """Return the path and query of an absolute or relative URL."""
    split = urlsplit(url)
    return split._replace(scheme="", netloc="").geturl()


def rfc3339_floor(instant_us: int) -> str:
    """Return an instant as RFC 3339, rounded down to whole seconds."""
    return (EPOCH + timedelta(seconds=instant_us // SECOND_US)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_ceil(instant_us: int) -> str:
    """Return an instant as RFC 3339, rounded up to whole seconds."""
    return rfc3339_floor(instant_us + SECOND_US - 1)
