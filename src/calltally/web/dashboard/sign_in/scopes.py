"""What a visitor's key may do beyond reading: the same scopes as the API's."""

from calltally.calls.errors import Forbidden
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ADMIN


def require_scope(visitor: Visitor, scope: str) -> None:
    """Raise Forbidden where the key of the session has not that scope."""
    if not visitor.access.has_scope(scope):
        raise Forbidden(text("needs_scope", scope=scope))


def require_admin(visitor: Visitor) -> None:
    """Raise Forbidden for everybody but the administrator."""
    if not visitor.access.is_admin:
        raise Forbidden(text("needs_admin", scope=ADMIN))
