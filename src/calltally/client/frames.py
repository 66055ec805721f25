"""Calls as tables of Arrow, pandas and Polars, each in one call, over the server's Arrow stream.

The libraries are loaded on use. The columns are the received buffers, copied only where a library stores
values in another form.
"""

from importlib import import_module
from io import BytesIO
from typing import Any, Final, Unpack

from calltally.client.errors import NotInstalled
from calltally.client.filters import Window
from calltally.client.streaming import stream
from calltally.client.transport import Session

_ARROW: Final = "pyarrow"
_PANDAS: Final = "pandas"
_POLARS: Final = "polars"


async def to_arrow(session: Session, **window: Unpack[Window]) -> Any:  # noqa: ANN401 (pyarrow has no types of its own)
    """Return the matching calls as a `pyarrow.Table`, all of them without `limit`.

    Times are timestamps in UTC, `cost.amount` is a decimal, `tags` is a list, `metadata` is JSON text. Raises
    NotInstalled without pyarrow, StreamCut if the stream ends too early, and ClientError.
    """
    return await _arrow_table(session, _library(_ARROW, "to_arrow", extra="arrow"), window)


async def to_pandas(session: Session, **window: Unpack[Window]) -> Any:  # noqa: ANN401 (pandas may be absent)
    """Return the matching calls as a `pandas.DataFrame` of Arrow types, with the columns of `to_arrow`.

    Raises NotInstalled without pandas and pyarrow, StreamCut and ClientError.
    """
    arrow, pandas = (_library(name, "to_pandas", extra=_PANDAS) for name in (_ARROW, _PANDAS))
    table = await _arrow_table(session, arrow, window)
    return table.to_pandas(types_mapper=pandas.ArrowDtype)


async def to_polars(session: Session, **window: Unpack[Window]) -> Any:  # noqa: ANN401 (polars may be absent)
    """Return the matching calls as a `polars.DataFrame`, with the columns of `to_arrow`.

    Raises NotInstalled without Polars and pyarrow, StreamCut and ClientError.
    """
    arrow, polars = (_library(name, "to_polars", extra=_POLARS) for name in (_ARROW, _POLARS))
    return polars.from_arrow(await _arrow_table(session, arrow, window))


async def _arrow_table(session: Session, arrow: Any, window: Window) -> Any:  # noqa: ANN401 (the same)
    received = BytesIO()
    await stream(session, received, format="arrow", **window)
    # The table uses the received bytes themselves.
    return arrow.ipc.open_stream(arrow.py_buffer(received.getbuffer())).read_all()


def _library(name: str, method: str, *, extra: str) -> Any:  # noqa: ANN401 (a module)
    """Load a library before any request. Raises NotInstalled, which names the extra."""
    try:
        return import_module(name)
    except ModuleNotFoundError as fault:
        raise NotInstalled.of(method, name, extra=extra) from fault
