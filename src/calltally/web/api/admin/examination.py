"""`GET /api/v1/admin/doctor`: findings about the installation, for the admin key."""

from typing import Any, Final

from litestar import get

from calltally.doctor.checks import CHECKS, Examination
from calltally.web.api.admin.operations import TAG
from calltally.web.openapi.operation import Operation, one_response
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.response.response import Response

_FOUND: Final = "file modes"
_EXAMPLE: Final[dict[str, Any]] = {
    "at": "2026-10-01T09:30:00.000000Z",
    "version": "0.1.0",
    "database": "SQLite",
    "database_bytes": 1_288_490_188,
    "bytes_a_day": 41_943_040,
    "disk_full_at": None,
    "findings": [
        {
            "check": _FOUND,
            "what": "Other users of this machine can use var/secret.key (mode 644).",
            "why": "It contains calls, or the key that opens the stored secrets.",
            "remedy": "Run `chmod go= var/secret.key` as its owner.",
        }
    ],
    "passed": [name for name in CHECKS if name != _FOUND],
}

EXAMINE: Final = Operation(
    id="examineInstallation",
    tag=TAG,
    summary="Examine the installation.",
    description="Runs the checks of `calltally doctor` in this process: files, disk, database, clocks,"
    " workers, secrets, providers and growth. Each finding has its remedy. Nothing is sent elsewhere.",
    scope=ADMIN,
    responses=one_response(200, "The findings, and the checks without one.", Examination, _EXAMPLE),
)


@get("/api/v1/admin/doctor", operation=EXAMINE)
async def get_examination(request: AnyRequest) -> Response:
    return Response.json(await dependencies_of(request).examine())
