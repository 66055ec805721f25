"""Every read operation by the Python client of OpenAPI Generator, which validates each answer."""

import json
import os
import sys
from http import HTTPStatus
from typing import Any

import pydantic_client
from pydantic_client import ApiClient, CallLogsApi, CallStatus, Configuration

BASE, KEY, ADMIN_KEY = (os.environ[name] for name in ("BASE", "KEY", "ADMIN_KEY"))
tenant = ApiClient(Configuration(host=BASE, access_token=KEY))
admin = ApiClient(Configuration(host=BASE, api_key={"adminKey": ADMIN_KEY}))


def typed_fields() -> int:
    """Return the total of a list, by typed fields alone."""
    api = CallLogsApi(tenant)
    page = api.list_call_logs(limit=5, status=[CallStatus.COMPLETED, CallStatus.BUSY])
    total: int = page.total
    last = page.data[1].actual_instance
    assert isinstance(last, pydantic_client.Call), last
    assert (total, last.status) == (2, CallStatus.COMPLETED), page
    assert last.answered_at is not None, last
    assert last.answered_at.minute == 0, last
    detail = api.get_call_log(str(last.id))
    assert detail.session is not None, detail
    return total


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def fault_of(read: dict[str, Any]) -> str | None:
    """Return what is wrong with the answer to an operation, or None."""
    api = getattr(pydantic_client, f"{read['class']}Api")
    operation = getattr(
        api(admin if read["isAdmin"] else tenant), f"{_snake(read['operation'])}_with_http_info"
    )
    query = {{"from": "var_from"}.get(name, name): value for name, value in read["query"].items()}
    try:
        answer = operation(**read["parameters"], **query)
    except (pydantic_client.ApiException, ValueError) as fault:
        return f"{read['operation']}: {fault}"
    return None if answer.status_code == HTTPStatus.OK else f"{read['operation']}: {answer.status_code}"


total = typed_fields()
reads = json.loads(os.environ["READS"])
faults = [fault for read in reads if (fault := fault_of(read))]
sys.exit("\n".join(faults) if faults else print(f"{len(reads)} reads, total {total}"))
