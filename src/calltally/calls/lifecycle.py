"""States of a call and their precedence: the rule that picks the record's state from the stated ones. Pure.

`evidence` collects the stated states in the order of facts. Once a carrier states a final state, it leaves
out what voice platforms state.
"""

from collections.abc import Sequence

from calltally.calls.model import FINAL, UNANSWERED, Status

# A lookup on the enum class costs as much as the work done with the member.
_COMPLETED = Status.COMPLETED


def resolve_status(open_state: str, final_states: Sequence[str], *, is_answered: bool) -> str:
    """Return the state: a final one beats an open one, and an answer makes any final state `completed`.

    `open_state` is the last stated open state; `final_states` are all stated final ones, in their order.
    """
    if not final_states:
        return open_state
    if is_answered:
        return _COMPLETED
    # Vonage sends `completed` after busy, failed and unanswered too, so it proves nothing by itself.
    unanswered = [status for status in final_states if status in UNANSWERED]
    return unanswered[-1] if unanswered else _COMPLETED


def contradicts(stated: str | None, status: str) -> bool:
    """Decide whether one stated state contradicts the record's state."""
    # Vonage always sends `completed` after busy or no-answer. It contradicts nothing.
    return stated in FINAL and stated not in (status, _COMPLETED)
