"""Checks of settings. Each returns the value, or raises ValueError with a text for the operator."""

import re
from base64 import b64decode
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

SECRET_KEY_BYTES: Final = 32
ADMIN_KEY_CHARS: Final = 32
# An example value of the old documentation, which users copied.
_PLACEHOLDER: Final = "choose-a-long-random-one"
_MAKE_KEY: Final = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_PLAIN_PATH: Final = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_database_url(url: str) -> str:
    """Check the URL of a database. Returns `postgres://`, which some hosting platforms write, as `postgresql://`."""
    scheme, found, rest = url.partition("://")
    if found and scheme in {"sqlite", "postgresql", "postgres"} and rest.strip("/"):
        if scheme != "sqlite":
            _check_password_is_encoded(rest)
        return f"postgresql://{rest}" if scheme == "postgres" else url
    raise ValueError("write sqlite:///PATH or postgresql://USER@HOST/NAME")


def _check_password_is_encoded(rest: str) -> None:
    """Refuse a URL whose password ends it early: parts of the password would be shown as its host."""
    address = rest.partition("?")[0]
    authority, _, path = address.partition("/")
    if authority.count("@") > 1 or "@" in path:
        raise ValueError("percent-encode the password: write %40 for @, %2F for / and %3A for :")


def check_read_url(url: str, info: ValidationInfo) -> str:
    """Check that the URL is of PostgreSQL, and the database too."""
    if not url.startswith("postgresql://") or not url.partition("://")[2].strip("/"):
        raise ValueError("write postgresql://USER@HOST/NAME")
    _check_password_is_encoded(url.partition("://")[2])
    if not str(info.data.get("database_url", url)).startswith("postgresql://"):
        raise ValueError("only PostgreSQL has read replicas, and the database is SQLite")
    return url


def check_public_url(url: str) -> str:
    """Check a public URL. Returns it without a trailing slash.

    Its path begins the links of pages and the paths of cookies, so it has plain characters only.
    """
    split = urlsplit(url)
    if split.scheme not in {"http", "https"} or not split.hostname or split.query or split.fragment:
        raise ValueError("write https://HOST, with a port or path if there is one, and no query")
    if not _PLAIN_PATH.fullmatch(split.path):
        raise ValueError("write a path of letters, digits, dots, hyphens and underscores, as in /calls-api")
    return url.rstrip("/")


def check_api_url(url: str) -> str:
    """Check the URL of an API that receives secrets: https, or http on this machine."""
    split = urlsplit(url)
    is_own_machine = split.scheme == "http" and split.hostname in _LOOPBACK
    if not split.hostname or split.query or split.fragment or not (split.scheme == "https" or is_own_machine):
        raise ValueError(
            "write https://HOST, because it receives a secret; http is allowed for this machine only"
        )
    return url.rstrip("/")


def check_networks(text: str) -> str:
    """Check networks in CIDR, separated by commas."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ip_network(part)
        except ValueError as fault:
            raise ValueError(
                "write networks in CIDR separated by commas, as in 10.0.0.0/8, fd00::/8"
            ) from fault
    return text


def _admin_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(
            f"use printable ASCII characters without spaces, because it is sent in a header; {_MAKE_KEY}"
        )
    if _PLACEHOLDER in text:
        raise ValueError(f"it is the example value of the documentation, which is public; {_MAKE_KEY}")
    if len(text) < ADMIN_KEY_CHARS:
        raise ValueError(
            f"it has {len(text)} characters and must have at least {ADMIN_KEY_CHARS}; {_MAKE_KEY}"
        )
    return key


def decode_secret_key(text: str) -> bytes:
    """Return the 32 bytes of a secret key in base64. Raises ValueError with a text for the operator."""
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise ValueError(
            f"it must be the base64 of exactly {SECRET_KEY_BYTES} bytes: openssl rand -base64 32"
        )
    return key


def _secret_key(key: SecretStr) -> SecretStr:
    decode_secret_key(key.get_secret_value())
    return key


ApiUrl = Annotated[str, AfterValidator(check_api_url)]
AdminKey = Annotated[SecretStr, AfterValidator(_admin_key)]
SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
