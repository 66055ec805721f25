"""A body as it came, written so that people can read it: JSON indented, a form line by line."""

from urllib.parse import parse_qsl

import msgspec


def pretty_body(raw: str) -> str:
    """The body laid out; as it came where it is neither."""
    try:
        return msgspec.json.format(raw, indent=2)
    except ValueError:
        return _form(raw) or raw


def _form(raw: str) -> str:
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return ""
    return "\n".join(f"{name}: {value}" for name, value in pairs)
