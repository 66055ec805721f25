"""What goes wrong, as a page: the same problems as the API's, in the frame that people are in."""

from urllib.parse import urlencode

import msgspec
from litestar import Response as FrameworkResponse

from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.session_cookie import SignedOut
from calltally.web.request.context import AnyRequest
from calltally.web.response.problems import Problem, problem_response
from calltally.web.response.response import Response


def handle_page_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """The framework's hook for every exception of a page: signing in, or a page that says what happened."""
    response = _to_sign_in(request) if isinstance(error, SignedOut) else _told(request, error)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return FrameworkResponse(
        response.body, status_code=response.status, media_type=response.media_type.decode(), headers=headers
    )


def _to_sign_in(request: AnyRequest) -> Response:
    """And back to where one wanted to go, if that was to look at something."""
    if request.method != "GET":
        return redirect("/sign-in")
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["path"]
    return redirect(f"/sign-in?{urlencode({'next': f'{path}?{query}' if query else path})}")


def _told(request: AnyRequest, error: Exception) -> Response:
    told = problem_response(request.scope, error)
    problem = msgspec.json.decode(told.body, type=Problem)
    return render_page("problem.html", None, {"problem": problem}, status=told.status)
