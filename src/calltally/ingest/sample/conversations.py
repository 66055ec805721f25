"""Conversations of the sample calls: one per topic, with the tool that the agent uses; and own events."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, utc_text
from calltally.ingest.sample.calls import SampleCall, SampleMessage


class SampleTool(NamedTuple):
    """Call of a tool after `after` turns."""

    after: int
    name: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]


class SampleConversation(NamedTuple):
    """Conversation with alternating turns, the agent first. Some use no tool."""

    topic: str
    summary: str
    turns: tuple[str, ...]
    tool: SampleTool | None


_MOVED: Final = SampleConversation(
    "appointment",
    "Caller moved an appointment to Thursday morning.",
    (
        "Good morning, this is the appointments line. What can I do for you?",
        "I cannot make it on Tuesday. Is there anything later in the week?",
        "Let me look. There is Thursday at half past nine, or Friday at two.",
        "Thursday morning, please.",
        "That is moved to Thursday, half past nine. You will get a message that says so.",
        "Thank you, goodbye.",
    ),
    SampleTool(
        2,
        "find_free_times",
        {"week": "this", "not_before": "Wednesday"},
        {"free": ["Thu 09:30", "Fri 14:00"]},
    ),
)
_CHARGE: Final = SampleConversation(
    "billing",
    "Caller asked about a charge on the last invoice; it was explained.",
    (
        "Hello, you have reached billing. How can I help?",
        "There is a charge on my last invoice that I do not know.",
        "I see it: that is the delivery of the second parcel, on the twelfth.",
        "Ah, the second parcel. Then it is right.",
        "Is there anything else?",
        "No, that was all.",
    ),
    SampleTool(2, "read_invoice", {"which": "last"}, {"lines": [{"what": "delivery", "amount": "4.90"}]}),
)
_ARRIVES: Final = SampleConversation(
    "delivery",
    "Caller wanted to know when an order arrives; given the date.",
    (
        "Hello, what is your question?",
        "When does my order arrive?",
        "It left the warehouse yesterday, and comes tomorrow before noon.",
        "Good, I will be there.",
    ),
    SampleTool(
        2, "track_order", {"order": "latest"}, {"left": "yesterday", "arrives": "tomorrow, before 12:00"}
    ),
)
_CONFIRMED: Final = SampleConversation(
    "appointment",
    "Customer confirmed appointment time.",
    (
        "Hello, I am calling about your appointment tomorrow at ten. Does that still suit you?",
        "Yes, I will come.",
        "Then it is confirmed. Until tomorrow.",
    ),
    SampleTool(2, "confirm_appointment", {"when": "tomorrow, 10:00"}, {"confirmed": True}),
)
_RETURN: Final = SampleConversation(
    "returns",
    "Caller asked how to send an item back; label sent by e-mail.",
    (
        "Hello, how can I help you?",
        "The lamp that I ordered does not fit. How do I send it back?",
        "I send you a label by e-mail. Put it on the box, and leave the box at any post office.",
        "And the money?",
        "Within five days after the box is here.",
        "Fine, thank you.",
    ),
    SampleTool(2, "send_return_label", {"item": "lamp", "by": "e-mail"}, {"sent": True}),
)
_PUT_OFF: Final = SampleConversation(
    "appointment",
    "Customer could not come; a new time was found.",
    (
        "Hello, I am calling about your appointment tomorrow at ten. Does that still suit you?",
        "No, something came up. Could it be next week?",
        "Next week there is Monday at eleven.",
        "Monday at eleven is good.",
        "Then I have moved it. Until Monday.",
    ),
    SampleTool(2, "find_free_times", {"week": "next"}, {"free": ["Mon 11:00"]}),
)
_HUNG_UP: Final = SampleConversation(
    "hang-up",
    "The other side hung up soon after the greeting.",
    ("Hello, this is an automatic assistant.", "No, thank you."),
    None,
)
_ABOUT_DELIVERY: Final = SampleConversation(
    "delivery",
    "Customer agreed to the delivery tomorrow morning.",
    (
        "Hello, I am calling about your delivery tomorrow between nine and eleven. Will somebody be there?",
        "Yes, that is fine. Please ring twice.",
        "I have noted it for the driver. Until tomorrow.",
    ),
    SampleTool(2, "note_for_driver", {"text": "ring twice"}, {"saved": True}),
)
_CONVERSATIONS: Final[Mapping[str, tuple[SampleConversation, ...]]] = {
    "support": (_CHARGE, _ARRIVES, _RETURN),
    "bookings": (_MOVED,),
    "reminders": (_CONFIRMED, _PUT_OFF),
    "deliveries": (_ABOUT_DELIVERY,),
}
_HAND_OVER: Final = (
    "I would rather speak with somebody, please.",
    "Of course. I will connect you with the front desk. Please stay on the line.",
)
_LEAST_S: Final = 20


def conversation_of(call: SampleCall) -> SampleConversation:
    """Return the conversation of a call; an escalated call ends with the request for a person."""
    if call.talk_s < _LEAST_S:
        return _HUNG_UP
    conversations = _CONVERSATIONS[call.route.name]
    conversation = conversations[(call.number - 1) % len(conversations)]
    if not call.is_escalated:
        return conversation
    # The agent has the last turn before the hand-over.
    turns = conversation.turns if len(conversation.turns) % 2 else conversation.turns[:-1]
    return conversation._replace(turns=(*turns, *_HAND_OVER))


def turn_start_s(call: SampleCall, conversation: SampleConversation, index: int) -> float:
    """Return the start of a turn in seconds from the answer; all turns share the talk time equally."""
    return round(call.talk_s * index / (len(conversation.turns) + 1), 1)


def own_events(call: SampleCall) -> Iterator[SampleMessage]:
    """Yield the tenant's own events about an answered call.

    They are the escalation and the topic; also the summary if no platform makes one, and the contradiction of
    a disputed call.
    """
    if call.status is not Status.COMPLETED:
        return
    if call.is_escalated:
        escalation = {"target": "front-desk", "initiated_by": "caller", "reason": "asked for a person"}
        transfer = {"target": "front-desk", "outcome": "bridged"}
        fields = {"escalated": True, "escalation": escalation, "transfer": transfer}
        yield _event(call, "escalation", -2, **fields)
    conversation = conversation_of(call)
    about = {"tags": [conversation.topic], "metadata": {"language": "en", "turns": len(conversation.turns)}}
    summary = {} if call.route.platform else {"summary": conversation.summary}
    yield _event(call, "summary", 5, **about, **summary)
    if call.is_disputed:
        yield _event(call, "result", 20, status=Status.NO_ANSWER)


def _event(call: SampleCall, name: str, after_s: int, **fields: Any) -> SampleMessage:  # noqa: ANN401 (JSON)
    """Return an event some seconds after the end of a call."""
    at_us = call.ended_us + after_s * SECOND_US
    content = {"call_sid": call.sid, "id": f"{call.sid}-{name}", "occurred_at": utc_text(at_us), **fields}
    return SampleMessage("", at_us, content)
