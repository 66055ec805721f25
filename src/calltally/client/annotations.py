"""Annotations of signatures, as a person would write them."""

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from calltally.client import literals

_LITERAL_NAMES: Final[Mapping[Any, str]] = {
    value: name for name, value in vars(literals).items() if get_origin(value) is Literal
}


class AnnotationText(str):
    """Text of an annotation. Its representation has no quotes, so that `help` prints the text alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def annotation_text(annotation: Any) -> AnnotationText:  # noqa: ANN401 (types of any kind)
    """Return an annotation without the names of modules, and with the names of literals."""
    return AnnotationText(_text(annotation))


def _text(annotation: Any) -> str:  # noqa: ANN401 (the same)
    if annotation in _LITERAL_NAMES:
        return _LITERAL_NAMES[annotation]
    if annotation in (None, NoneType):
        return "None"
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin in (Union, UnionType):
        return " | ".join(map(_text, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    name = str(getattr(origin or annotation, "__name__", annotation))
    return f"{name}[{', '.join(map(_text, arguments))}]" if arguments else name
