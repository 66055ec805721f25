"""Declaration of a command's options as fields of a NamedTuple, for commands with many options."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

O = TypeVar("O", bound=tuple[Any, ...])  # noqa: E741 (the options)


def with_options(options: type[O]) -> Callable[[Callable[[O], None]], Callable[..., None]]:
    """Return a decorator for a command function that takes all its options as one NamedTuple."""
    hints = get_type_hints(options, include_extras=True)
    fields: Any = options
    defaults = fields._field_defaults
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name, inspect.Parameter.empty),
            annotation=hints[name],
        )
        for name in fields._fields
    ]

    def decorate(function: Callable[[O], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:  # noqa: ANN401 (values that typer parsed)
            function(fields(**values))

        command.__doc__ = function.__doc__
        command.__name__ = function.__name__
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # functions may have one
        command.__annotations__ = dict(hints)
        return command

    return decorate
