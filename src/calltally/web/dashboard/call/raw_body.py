"""Pretty-printing of raw bodies: JSON indented, forms line by line."""

from urllib.parse import parse_qsl

import msgspec


def pretty_body(raw: str) -> str:
    """Pretty-print the body; unchanged if it is neither JSON nor a form."""
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
