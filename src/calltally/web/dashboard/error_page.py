"""Error pages: the problems of the API in the frame of the dashboard."""

from urllib.parse import urlencode

import msgspec
from litestar import Response as FrameworkResponse

from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.sign_in.session_cookie import SignedOut
from calltally.web.request.context import AnyRequest
from calltally.web.response.problems import Problem, problem_response
from calltally.web.response.response import Response


def handle_page_exception(request: AnyRequest, error: Exception) -> FrameworkResponse[bytes]:
    """Convert an exception of a page into a response; the framework's hook."""
    response = _sign_in_redirect(request) if isinstance(error, SignedOut) else _error_page(request, error)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return FrameworkResponse(
        response.body, status_code=response.status, media_type=response.media_type.decode(), headers=headers
    )


def _sign_in_redirect(request: AnyRequest) -> Response:
    """Redirect to the sign-in, and for a GET back to the requested page."""
    if request.method != "GET":
        return redirect("/sign-in")
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["path"]
    return redirect(f"/sign-in?{urlencode({'next': f'{path}?{query}' if query else path})}")


def _error_page(request: AnyRequest, error: Exception) -> Response:
    response = problem_response(request.scope, error)
    problem = msgspec.json.decode(response.body, type=Problem)
    return render_page("problem.html", None, {"problem": problem}, status=response.status)
