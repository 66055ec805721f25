"""Safe parser of XML call records: no DOCTYPE, no custom entities, bounded depth and size."""

# expat is safe here because all declarations are refused: every XML attack needs one.
from typing import Any, Final
from xml.parsers import expat

from calltally.calls.errors import NotUnderstood

_MAX_DEPTH: Final = 32
_MAX_ELEMENTS: Final = 20_000


class _Reader:
    """Handler that builds mappings of names to texts or mappings from the elements."""

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any]]] = [("", self.root)]
        self._text: list[str] = []
        self._elements = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > _MAX_ELEMENTS or len(self._open) > _MAX_DEPTH:
            raise NotUnderstood(f"more than {_MAX_ELEMENTS} elements, or nested deeper than {_MAX_DEPTH}")
        # Only the root element has useful attributes: the name of the switch.
        self._open.append((name, dict(attributes) if len(self._open) == 1 else {}))
        self._text.clear()

    def end(self, _name: str) -> None:
        name, inside = self._open.pop()
        # The first of several elements of one name counts: a callflow's last part comes first.
        self._open[-1][1].setdefault(name, inside or "".join(self._text).strip())
        self._text.clear()

    def take(self, text: str) -> None:
        self._text.append(text)

    def refuse(self, *_declared: object) -> int:
        raise NotUnderstood("the XML declares a document type or an entity; records never do")


def parse_cdr(body: bytes) -> dict[str, Any]:
    """Return the record of a document; raise NotUnderstood."""
    cdr = parse_xml(body).get("cdr")
    if not isinstance(cdr, dict):
        raise NotUnderstood("cdr is missing: the XML is not a call detail record")
    return cdr


def parse_xml(body: bytes) -> dict[str, Any]:
    """Return the elements of a document by name, as mappings and texts; raise NotUnderstood."""
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
