"""A tap for Calltally's call list, made as the Singer SDK's documents say; its paginator is the SDK's own.

Run as `python tap.py --config config.json`. Settings: url, key, and `parameters`, which go with each request.
"""

import sys
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.pagination import OffsetPaginator

from interop.loopback import forbid_the_network, outside_attempts
from interop.window import LIST

# Small, so that a copy takes some seconds, in which the month moves.
PAGE: Final = 250


class CallsStream(RESTStream[int]):
    """The list; of an erased call all but id and created_at is null."""

    name = "calls"
    path = LIST
    primary_keys = ("id",)
    records_jsonpath = "$.data[*]"
    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        th.Property("created_at", th.DateTimeType, required=True),
        th.Property("call_sid", th.StringType),
        th.Property("status", th.StringType),
        th.Property("revision", th.IntegerType),
        th.Property("erased", th.BooleanType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        """Return the URL of the service."""
        return str(self.config["url"])

    @property
    def authenticator(self) -> BearerTokenAuthenticator:
        """The key, as a bearer token."""
        return BearerTokenAuthenticator(token=self.config["key"])

    def get_new_paginator(self) -> OffsetPaginator:
        """The SDK's own; it ends at the first page without rows."""
        return OffsetPaginator(0, PAGE)

    def get_url_params(self, context: object, next_page_token: int | None) -> dict[str, Any]:
        """The fixed parameters, and where the paginator is."""
        del context
        return {**self.config["parameters"], "limit": PAGE, "offset": next_page_token or 0}


class CallsTap(Tap):
    """One stream."""

    name = "tap-calltally"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("key", th.StringType, required=True, secret=True),
        th.Property("parameters", th.ObjectType(additional_properties=True), default={}),
    ).to_dict()

    def discover_streams(self) -> Sequence[Stream]:
        """The call list."""
        return [CallsStream(self)]


def main() -> None:
    """The tap's command line, kept on this machine."""
    forbid_the_network()
    CallsTap.cli(standalone_mode=False)
    if outside_attempts():
        sys.exit(f"looked outside: {outside_attempts()}")


if __name__ == "__main__":
    main()
