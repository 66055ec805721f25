"""What is sent, before anybody signed it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec


class FormCallback(NamedTuple):
    """A provider's request with a form as its body."""

    provider: str
    fields: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """Of its bytes."""
        return "application/x-www-form-urlencoded"

    def encoded(self) -> bytes:
        """Its body as it is sent."""
        return urlencode(self.fields).encode()


class JsonCallback(NamedTuple):
    """A provider's request with a JSON object as its body."""

    provider: str
    body: Mapping[str, Any]

    @property
    def content_type(self) -> str:
        """Of its bytes."""
        return "application/json"

    def encoded(self) -> bytes:
        """Its body as it is sent."""
        return msgspec.json.encode(self.body)


class OwnEvents(NamedTuple):
    """One batch for `POST /api/v1/events`."""

    events: list[dict[str, Any]]


Callback: TypeAlias = FormCallback | JsonCallback
Message: TypeAlias = Callback | OwnEvents
