"""The usual template: FastAPI, SQLAlchemy async with aiosqlite, pydantic models, a page with its count."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import JSON, Boolean, Column, DateTime, Integer, String, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry

from bench.apps.template_rows import BOOLEANS, DOCUMENTS, INSTANTS, INTEGERS, TABLE, URL_VARIABLE
from calltally.calls.model import CALL_FIELDS

_TYPES: Final[tuple[tuple[frozenset[str], Any, Any], ...]] = (
    (INTEGERS, Integer, int),
    (BOOLEANS, Boolean, bool),
    (INSTANTS, DateTime, datetime),
    (DOCUMENTS, JSON, Any),
)
_mappers = registry()


def _types(field: str) -> tuple[Any, Any]:
    return next(((column, python) for names, column, python in _TYPES if field in names), (String, str))


class CallLog:
    """A row, as the ORM hands it out."""

    tenant: Any
    created_at: Any


_table = Table(
    TABLE,
    _mappers.metadata,
    Column("tenant", String),
    *(Column(field, _types(field)[0], primary_key=field == "id") for field in CALL_FIELDS),
)
_mappers.map_imperatively(CallLog, _table)

_fields: dict[str, Any] = {field: (_types(field)[1] | None, None) for field in CALL_FIELDS}
CallOut: Any = create_model("CallOut", __config__=ConfigDict(from_attributes=True), **_fields)


class Page(BaseModel):
    """The page of the documentation."""

    data: list[CallOut]
    limit: int
    offset: int
    total: int


_engine = create_async_engine(os.environ[URL_VARIABLE])
_sessions = async_sessionmaker(_engine, expire_on_commit=False)
app = FastAPI()


async def _session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as session:
        yield session


@app.get("/api/v1/call-logs", response_model=Page)
async def list_call_logs(
    request: Request, session: Annotated[AsyncSession, Depends(_session)], limit: int = 25, offset: int = 0
) -> Any:  # noqa: ANN401 - pydantic makes it of what comes
    """A page and its count."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key.startswith("ct_"):
        raise HTTPException(401)
    tenant = key.split("_")[1]
    of_tenant = select(CallLog).where(CallLog.tenant == tenant)
    page = of_tenant.order_by(CallLog.created_at.desc()).limit(limit).offset(offset)
    rows = (await session.execute(page)).scalars().all()
    counted = select(func.count()).select_from(CallLog).where(CallLog.tenant == tenant)
    return {"data": rows, "limit": limit, "offset": offset, "total": await session.scalar(counted)}
