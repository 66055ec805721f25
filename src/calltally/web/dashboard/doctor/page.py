"""`/doctor`: findings about the installation, for administrators."""

from typing import Final

from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.pages import page
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.sign_in.visitor import Visitor, require_scope
from calltally.web.request.access import ADMIN
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

PATH: Final = "/doctor"


@page(PATH)
async def show_examination(request: AnyRequest, visitor: Visitor, _pairs: Pairs) -> Response:
    require_scope(visitor, ADMIN)
    found = await dependencies_of(request).examine()
    values = {
        "found": found,
        "at": minute(found.at, visitor.zone),
        "full": found.disk_full_at[:10] if found.disk_full_at else None,
        "here": PATH,
    }
    return render_page("doctor.html", visitor, values)
