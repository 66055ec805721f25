"""Messages of the sample before they are signed."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec


class FormCallback(NamedTuple):
    """Provider request with a form body."""

    provider: str
    fields: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The content type of the body."""
        return "application/x-www-form-urlencoded"

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        return urlencode(self.fields).encode()


class JsonCallback(NamedTuple):
    """Provider request with a JSON object as its body."""

    provider: str
    body: Mapping[str, Any]

    @property
    def content_type(self) -> str:
        """The content type of the body."""
        return "application/json"

    def encoded(self) -> bytes:
        """Return the body's bytes."""
        return msgspec.json.encode(self.body)


class OwnEventBatch(NamedTuple):
    """Batch for `POST /api/v1/events`."""

    events: list[dict[str, Any]]


ProviderCallback: TypeAlias = FormCallback | JsonCallback
SampleMessage: TypeAlias = ProviderCallback | OwnEventBatch
