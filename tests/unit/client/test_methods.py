"""Signatures of the clients' methods name only public types, and say the same for both clients."""

import inspect
import pydoc
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from calltally import client
from calltally.client import AsyncClient, Client

METHODS = sorted(name for name in vars(Client) if not name.startswith("_"))
CLOSED = "close"
PUBLIC = {id(getattr(client, name)) for name in client.__all__}
LIBRARIES = ("builtins", "collections", "contextlib", "datetime", "pathlib", "types", "typing")
MACHINERY = ("Session,", "session:", "Transport", "Unpack", "Generator", "Awaitable", "Coroutine", "<", "**")


def types_in(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 (types of any kind)
    parts = get_args(annotation)
    if not parts or get_origin(annotation) not in (None, *parts):
        yield get_origin(annotation) or annotation
    for part in parts:
        yield from types_in(part)


def internal_types(annotation: Any) -> list[Any]:  # noqa: ANN401 (the same)
    return [
        each
        for each in types_in(annotation)
        if isinstance(each, type)
        and id(each) not in PUBLIC
        and each.__module__.partition(".")[0] not in LIBRARIES
    ]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", METHODS)
def test_signature_is_plain(kind: type, name: str) -> None:
    method = getattr(kind, name)
    text = str(inspect.signature(method))
    assert text.startswith("(self")
    assert [word for word in MACHINERY if word in text] == []
    hints = get_type_hints(method)
    assert list(hints) == [*list(inspect.signature(method).parameters)[1:], "return"]
    assert [each for hint in hints.values() for each in internal_types(hint)] == []
    assert name == CLOSED or method.__doc__


@pytest.mark.parametrize("name", METHODS)
def test_both_clients_have_the_same_methods(name: str) -> None:
    blocking, awaited = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
    assert list(blocking.parameters.values()) == list(awaited.parameters.values())
    returned = str(awaited.return_annotation).replace("AsyncIterator", "Iterator")
    assert str(blocking.return_annotation) == returned
    is_iterator = returned.startswith("Iterator")
    assert inspect.iscoroutinefunction(getattr(AsyncClient, name)) is not is_iterator


def test_no_method_is_missing() -> None:
    assert {name for name in vars(AsyncClient) if not name.startswith("_")} == set(METHODS)


def test_keywords_of_a_filter_are_listed_one_by_one() -> None:
    text = str(inspect.signature(Client.iter_calls))
    assert text.startswith(
        "(self, *, page_size: int = 1000, status: CallStatus | Sequence[CallStatus] | None = None, "
        "direction: CallDirection | None = None, from_: datetime | date | str | None = None, "
    )
    assert text.endswith(") -> Iterator[CallRecord]")
    assert "order" not in str(inspect.signature(Client.launch_quality))


def test_help_prints_the_signature_and_the_purpose() -> None:
    text = pydoc.render_doc(Client, renderer=pydoc._PlainTextDoc())  # type: ignore[attr-defined] # as `help` prints into a file
    assert "get_call(self, call_id: str) -> CallDetail\n |      Return one call with its timeline" in text
    assert " at 0x" not in text


def test_unknown_keyword_is_refused_by_the_method() -> None:
    with Client("http://127.0.0.1:9", "key") as opened, pytest.raises(TypeError, match="rout"):
        opened.list_calls(rout="sales")  # type: ignore[call-arg] # misspelt
