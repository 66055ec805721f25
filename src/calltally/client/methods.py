"""Methods of the clients, made from the operations, each of which is written once as a coroutine.

`help`, editors and notebooks read a method's signature, so it names neither the operation's session nor other
types of the machinery, and lists the keywords of a filter one by one.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from inspect import Parameter, Signature, signature
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, Unpack, get_args, get_origin

from calltally.client.annotations import annotation_text
from calltally.client.blocking import iterate_now, run_now
from calltally.client.transport import Session

P = ParamSpec("P")
T = TypeVar("T")

_Operation: TypeAlias = Callable[Concatenate[Session, P], Awaitable[T]]
_Iteration: TypeAlias = Callable[Concatenate[Session, P], AsyncGenerator[T, None]]
_Method: TypeAlias = Callable[Concatenate[Any, P], T]
_COPIED: Final = ("__module__", "__name__", "__qualname__", "__doc__")
_SELF: Final = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)


def blocking(operation: _Operation[P, T]) -> _Method[P, T]:
    """Return the blocking method of an operation with one result."""

    def method(client: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_now(operation(client, *args, **kwargs))

    _described(method, operation)
    return method


def iterating(operation: _Iteration[P, T]) -> _Method[P, Iterator[T]]:
    """Return the blocking method of an operation with many results."""

    def method(client: Session, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate_now(operation(client, *args, **kwargs))

    _described(method, operation, Iterator)
    return method


def awaiting(operation: _Operation[P, T]) -> _Method[P, Coroutine[Any, Any, T]]:
    """Return the asyncio method of an operation with one result."""

    async def method(client: Session, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await operation(client, *args, **kwargs)

    _described(method, operation)
    return method


def async_iterating(operation: _Iteration[P, T]) -> _Method[P, AsyncIterator[T]]:
    """Return the asyncio method of an operation with many results."""

    def method(client: Session, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return operation(client, *args, **kwargs)

    _described(method, operation, AsyncIterator)
    return method


def _described(method: Any, operation: Callable[..., Any], iterator: Any = None) -> None:  # noqa: ANN401 (a function)
    """Give a method the name, the docstring and the signature of its operation."""
    for name in _COPIED:
        setattr(method, name, getattr(operation, name))
    form = signature(operation)
    _session, *others = form.parameters.values()
    found = form.return_annotation
    result = found if iterator is None else iterator[get_args(found)[0]]
    parameters = [plain for each in others for plain in _plain_parameters(each)]
    method.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": result}
    texts = [each.replace(annotation=annotation_text(each.annotation)) for each in parameters]
    method.__signature__ = Signature([_SELF, *texts], return_annotation=annotation_text(result))


def _plain_parameters(parameter: Parameter) -> list[Parameter]:
    """Return the keywords of a TypedDict one by one, and any other parameter as it is."""
    if get_origin(parameter.annotation) is not Unpack:
        return [parameter]
    [keywords] = get_args(parameter.annotation)
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in keywords.__annotations__.items()
    ]
