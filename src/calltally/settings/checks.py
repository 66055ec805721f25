"""What a setting may be: each check returns the value, or raises ValueError with words for the operator."""

from base64 import b64decode
from ipaddress import ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

SECRET_KEY_BYTES: Final = 32
ADMIN_KEY_CHARS: Final = 32
# Stood in the documents for a key, and was copied as one.
_PLACEHOLDER: Final = "choose-a-long-random-one"
_MAKE_KEY: Final = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def check_database_url(url: str) -> str:
    """Of SQLite or PostgreSQL."""
    scheme, found, rest = url.partition("://")
    if found and scheme in {"sqlite", "postgresql"} and rest.strip("/"):
        return url
    message = "write sqlite:///PATH or postgresql://USER@HOST/NAME"
    raise ValueError(message)


def check_read_url(url: str, info: ValidationInfo) -> str:
    """Of PostgreSQL, as the database itself then is."""
    if not url.startswith("postgresql://") or not url.partition("://")[2].strip("/"):
        message = "write postgresql://USER@HOST/NAME"
        raise ValueError(message)
    if not str(info.data.get("database_url", url)).startswith("postgresql://"):
        message = "only PostgreSQL has read replicas, and the database is SQLite"
        raise ValueError(message)
    return url


def check_public_url(url: str) -> str:
    """Without the slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = "write https://HOST, with a port or path if there is one, and no query"
        raise ValueError(message)
    return url.rstrip("/")


def check_api_url(url: str) -> str:
    """The same of an API to which secrets go."""
    parts = urlsplit(url)
    is_own_machine = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or parts.query or parts.fragment or not (parts.scheme == "https" or is_own_machine):
        message = "write https://HOST, since a secret goes there; http only for this machine"
        raise ValueError(message)
    return url.rstrip("/")


def check_networks(text: str) -> str:
    """In CIDR, separated by commas."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ip_network(part)
        except ValueError as fault:
            message = "write networks in CIDR separated by commas, as in 10.0.0.0/8, fd00::/8"
            raise ValueError(message) from fault
    return text


def _admin_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        message = f"use printable ASCII characters without spaces, as it travels in a header; {_MAKE_KEY}"
        raise ValueError(message)
    if _PLACEHOLDER in text:
        message = f"it is the placeholder of the documents, which everybody knows; {_MAKE_KEY}"
        raise ValueError(message)
    if len(text) < ADMIN_KEY_CHARS:
        message = f"it has {len(text)} characters and must have at least {ADMIN_KEY_CHARS}; {_MAKE_KEY}"
        raise ValueError(message)
    return key


def decode_secret_key(text: str) -> bytes:
    """The 32 bytes behind a secret key's base64. Raises ValueError with words for the operator."""
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        message = f"it must be the base64 of exactly {SECRET_KEY_BYTES} bytes: openssl rand -base64 32"
        raise ValueError(message)
    return key


def _secret_key(key: SecretStr) -> SecretStr:
    decode_secret_key(key.get_secret_value())
    return key


AdminKey = Annotated[SecretStr, AfterValidator(_admin_key)]
SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
