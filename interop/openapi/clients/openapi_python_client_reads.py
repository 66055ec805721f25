"""Every read operation by the client of openapi-python-client."""

import json
import os
import sys
from http import HTTPStatus
from importlib import import_module
from typing import Any

from attrs_client import AuthenticatedClient
from attrs_client.api.call_logs import get_call_log, list_call_logs
from attrs_client.models import Call, CallDetail, CallPage, CallStatus
from attrs_client.models.problem import Problem

BASE, KEY, ADMIN_KEY = (os.environ[name] for name in ("BASE", "KEY", "ADMIN_KEY"))
tenant = AuthenticatedClient(BASE, KEY)
admin = AuthenticatedClient(BASE, ADMIN_KEY, prefix="", auth_header_name="x-admin-key")


def typed_fields() -> int:
    """Return the total of a list, by typed fields alone."""
    page = list_call_logs.sync(client=tenant, limit=5, status=[CallStatus.COMPLETED, CallStatus.BUSY])
    assert isinstance(page, CallPage), page
    total: int = page.total
    last = page.data[1]
    assert isinstance(last, Call), last
    assert (total, last.status) == (2, CallStatus.COMPLETED), page
    assert last.answered_at is not None, last
    assert last.answered_at.minute == 0, last
    detail = get_call_log.sync(str(last.id), client=tenant)
    assert isinstance(detail, CallDetail), detail
    return total


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def fault_of(read: dict[str, Any]) -> str | None:
    """Return what is wrong with the answer to an operation, or None."""
    names = _snake(read["class"]).lstrip("_"), _snake(read["operation"])
    operation = import_module(".".join(("attrs_client.api", *names)))
    client = admin if read["isAdmin"] else tenant
    query = {{"from": "from_"}.get(name, name): value for name, value in read["query"].items()}
    answer = operation.sync_detailed(client=client, **read["parameters"], **query)
    is_good = answer.status_code == HTTPStatus.OK and not isinstance(answer.parsed, Problem)
    return None if is_good else f"{read['operation']}: {answer.status_code}"


total = typed_fields()
reads = json.loads(os.environ["READS"])
faults = [fault for read in reads if (fault := fault_of(read))]
sys.exit("\n".join(faults) if faults else print(f"{len(reads)} reads, total {total}"))
