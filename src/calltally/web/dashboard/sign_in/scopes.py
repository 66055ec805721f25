"""Scope checks of pages: the same scopes as in the API."""

from calltally.calls.errors import Forbidden
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ADMIN


def require_scope(visitor: Visitor, scope: str) -> None:
    """Raise Forbidden if the session's key lacks the scope."""
    if not visitor.access.has_scope(scope):
        raise Forbidden(text("needs_scope", scope=scope))


def require_admin(visitor: Visitor) -> None:
    """Raise Forbidden unless the visitor is the administrator."""
    if not visitor.access.is_admin:
        raise Forbidden(text("needs_admin", scope=ADMIN))
