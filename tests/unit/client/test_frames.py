"""Calls as tables: the received buffers, and a message that names the extra."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from calltally.client import frames
from calltally.client.errors import NotInstalled, StreamCut, UnknownArgument
from calltally.client.transport import AttemptResult, RequestAttempt
from calltally.client.wire import Answer, Request
from calltally.formats.arrow import SCHEMA, ArrowStream
from tests.unit.client.canned import Canned
from tests.unit.formats.records import joined, plain

CALLS = [
    plain(
        id=f"call-{number}",
        created_at=f"2026-10-01T09:30:0{number}.000001Z",
        duration_seconds=None if number else 2**53 + 1,
        cost={"amount": "0.0140", "currency": "USD"} if number else None,
        tags=["a"] * number,
    )
    for number in range(3)
]


class StreamServer(Canned):
    """Server whose Arrow stream has the calls, or only a part of its bytes."""

    def __init__(self, share: float = 1.0) -> None:
        super().__init__(lambda _request: Answer(500, {}))
        writer = ArrowStream()
        body = writer.begin() + writer.add(joined(CALLS)) + writer.end()
        self._body = body[: int(len(body) * share)]

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        self.attempts.append(attempt)
        answer = Answer(200, {"content-type": "application/vnd.apache.arrow.stream"})
        assert attempt.sink
        attempt.sink.open(answer)
        attempt.sink.write(self._body)
        return answer


def test_table_has_the_types_of_a_warehouse() -> None:
    server = StreamServer()
    table = server.run(frames.to_arrow(server, status="completed", limit=3))
    assert table.schema == SCHEMA
    assert table.column("created_at").to_pylist()[1] == datetime(2026, 10, 1, 9, 30, 1, 1, tzinfo=UTC)
    assert table.column("cost").to_pylist()[1]["amount"] == Decimal("0.014")
    [request] = server.requests
    assert list(request.params) == [("status", "completed"), ("limit", "3"), ("format", "arrow")]


def test_table_uses_the_received_bytes() -> None:
    server, before = StreamServer(), pa.total_allocated_bytes()
    table = server.run(frames.to_arrow(server))
    assert table.nbytes > 0
    assert pa.total_allocated_bytes() == before


def test_frame_of_pandas_has_arrow_types() -> None:
    server = StreamServer()
    frame = server.run(frames.to_pandas(server))
    assert list(frame.columns) == SCHEMA.names
    assert all(isinstance(kind, pd.ArrowDtype) for kind in frame.dtypes)
    # An integer that a float would round, beside calls without any.
    assert frame["duration_seconds"].iloc[0] == 2**53 + 1
    assert frame["duration_seconds"].isna().sum() == 2
    assert frame["cost"].struct.field("amount").sum() == Decimal("0.028")
    assert str(frame["created_at"].dt.tz) == "UTC"


@pytest.mark.parametrize(
    ("operation", "missing", "extra"),
    [
        (frames.to_arrow, "pyarrow", "arrow"),
        (frames.to_pandas, "pyarrow", "pandas"),
        (frames.to_pandas, "pandas", "pandas"),
        (frames.to_polars, "pyarrow", "polars"),
        (frames.to_polars, "polars", "polars"),
    ],
)
def test_missing_library_is_named_with_its_extra_before_any_request(
    operation: Any,  # noqa: ANN401 (any of the three)
    missing: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    server = StreamServer()
    with pytest.raises(NotInstalled, match=rf"{missing}: pip install 'calltally\[{extra}\]'"):
        server.run(operation(server))
    assert server.requests == []


def test_stream_that_ends_too_early_is_an_error() -> None:
    server = StreamServer(share=0.9)
    with pytest.raises(StreamCut):
        server.run(frames.to_arrow(server))


def test_unknown_filter_is_refused() -> None:
    server = StreamServer()
    wrong: Any = {"rout": "sales"}
    with pytest.raises(UnknownArgument, match="rout"):
        server.run(frames.to_arrow(server, **wrong))
    assert server.requests == list[Request]()
