"""Commands with more options than a function should have parameters: declared as the fields of a tuple."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

O = TypeVar("O", bound=tuple[Any, ...])  # noqa: E741 (the options)


def with_options(options: type[O]) -> Callable[[Callable[[O], None]], Callable[..., None]]:
    """Make a command of a function that takes `options`, a NamedTuple whose fields are options each."""
    hints = get_type_hints(options, include_extras=True)
    named: Any = options
    defaults = named._field_defaults
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(name, inspect.Parameter.empty),
            annotation=hints[name],
        )
        for name in named._fields
    ]

    def made(function: Callable[[O], None]) -> Callable[..., None]:
        def command(**values: Any) -> None:  # noqa: ANN401 (what typer read)
            function(named(**values))

        command.__doc__ = function.__doc__
        command.__name__ = function.__name__
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # functions may have one
        command.__annotations__ = dict(hints)
        return command

    return made
