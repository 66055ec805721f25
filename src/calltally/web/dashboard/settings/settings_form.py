"""Declaration of a form on the settings page."""

from collections.abc import Callable
from http import HTTPStatus

from litestar.handlers import HTTPRouteHandler

from calltally.calls.errors import CalltallyError
from calltally.web.dashboard.pages import FormAction, form
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.settings.page import settings_values
from calltally.web.dashboard.settings.submitted_form import refused_form
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest
from calltally.web.request.query import Pairs
from calltally.web.response.problem_kinds import KINDS
from calltally.web.response.response import Response


def settings_form(path: str, scope: str) -> Callable[[FormAction], HTTPRouteHandler]:
    """Declare a form that needs `scope`. If it is refused, the page shows it again as it was typed."""

    def declare(act: FormAction) -> HTTPRouteHandler:
        async def attempt(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response | None:
            try:
                return await act(request, visitor, pairs)
            except CalltallyError as error:
                status = KINDS[error.slug].status
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                refused = refused_form(request.scope["path"], pairs, error)
            values = await settings_values(request, visitor, submitted=refused)
            return render_page("settings.html", visitor, values, status=status)

        attempt.__name__ = act.__name__
        return form(path, scope)(attempt)

    return declare
