"""XML as a call's record has it, read safely.

No DOCTYPE, no entities of its own, bounded in depth and number.
"""

# expat itself, with every declaration refused: what is unsafe in XML needs one.
from typing import Any, Final
from xml.parsers import expat

from calltally.calls.errors import NotUnderstood

_MOST_DEPTH: Final = 32
_MOST_ELEMENTS: Final = 20_000


class _Reader:
    """Elements as they open and close, into mappings of names to texts or mappings."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any]]] = [("", self.root)]
        self._text: list[str] = []
        self._elements = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or len(self._open) > _MOST_DEPTH:
            raise NotUnderstood(f"more than {_MOST_ELEMENTS} elements, or nested deeper than {_MOST_DEPTH}")
        # Only the record itself has attributes that say something: which switch wrote it.
        self._open.append((name, dict(attributes) if len(self._open) == 1 else {}))
        self._text.clear()

    def end(self, _name: str) -> None:
        name, inside = self._open.pop()
        # Of several of one name the first counts: a callflow's last part stands first.
        self._open[-1][1].setdefault(name, inside or "".join(self._text).strip())
        self._text.clear()

    def take(self, text: str) -> None:
        self._text.append(text)

    def refuse(self, *_declared: object) -> int:
        raise NotUnderstood("the XML declares a document type or an entity, which a record never has")


def read_cdr(body: bytes) -> dict[str, Any]:
    """The record that a document is. Raises NotUnderstood."""
    cdr = read_xml(body).get("cdr")
    if not isinstance(cdr, dict):
        raise NotUnderstood("cdr is missing: the XML is no call detail record")
    return cdr


def read_xml(body: bytes) -> dict[str, Any]:
    """The elements of a document, by name, as mappings and texts. Raises NotUnderstood."""
    reader, parser = _Reader(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.take
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse
    parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = reader.refuse
    try:
        parser.Parse(body, True)  # noqa: FBT003 (expat takes no names)
    except (expat.ExpatError, ValueError, LookupError) as fault:
        raise NotUnderstood(f"not XML: {fault}") from fault
    return reader.root
