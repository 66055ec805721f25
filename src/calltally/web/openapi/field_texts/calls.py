"""Fields of problems, voice sessions, own events and callbacks."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import CALL_ID, CALL_SID, CREATED, PAGE, REVISION

_SPOKEN: Final = {
    "role": "The speaker: usually `agent` or `user`.",
    "text": "The spoken words.",
    "start_seconds": "Start of the turn, in seconds from the start of the session; null if unknown.",
    "end_seconds": "End of the turn, in seconds from the start of the session; null if unknown.",
}
_FUNCTION_CALL: Final = {
    "name": "The name of the function or tool.",
    "arguments": "The arguments: any JSON value, or text if they were not valid JSON.",
    "result": "The result: any JSON value, or text if it was not valid JSON; null if there is none.",
    "error": "The error message of a failed call; null for a successful one.",
    "start_seconds": "Start of the call, in seconds from the start of the session; null if unknown.",
    "duration_seconds": "Duration of the call in seconds; null if unknown.",
}
_EVALUATION: Final = {
    "successful": "True if the session reached its goal; null if the evaluation does not decide it.",
    "score": "The score, in the evaluator's own scale; null without a score.",
    "reason": "The reason for the result, in words.",
    "details": "Any further results of the evaluator.",
}
_OUTCOME: Final = {
    "outcome": "The outcome: `applied`, `duplicate`, `ignored`, `refused` or `dead_letter`.",
    "reason": "The reason if nothing changed; null otherwise.",
    "call_id": "The call's id in Calltally; null if no call was found or created.",
    "revision": "The tenant's revision with this state of the call; null without a call.",
}
_SESSION: Final = {
    "id": "The session's id from its platform or its tenant.",
    "stream_id": "The id of the media stream; null if unknown.",
    "call_sid": "The SID of the session's call.",
    "call_id": "The id of the session's call in Calltally.",
    "agent_key": "The voice agent's key; null if unknown.",
    "status": "The state of the session. Without a report of it, it follows from the state of the call.",
    "summary": "A short summary of the conversation; null if there is none.",
    "tags": "The tags, sorted and without duplicates.",
    "evaluation": "The evaluation of the session; null if there is none.",
    "function_call_count": "The number of function calls; null without a report of them.",
    "transcript_turn_count": "The number of turns in the transcript; null without a transcript.",
    "created_at": "Start of the session.",
    "ended_at": "End of the session; null while it is active.",
    "revision": REVISION,
    "updated_at": "Time at which this state was recorded.",
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Problem": {
        "type": "The problem's kind: a link to its explanation, relative to the service.",
        "title": "The kind of problem in a few words; the same for every problem of this kind.",
        "status": "The HTTP status code.",
        "detail": "The cause of this problem, and its solution.",
        "instance": "The path of the request.",
        "request_id": "The id of the request, which is also in the header `x-request-id` and in the log.",
        "errors": "Each invalid parameter or field; empty if the problem concerns none.",
    },
    "ProblemFault": {
        "parameter": "The name of the parameter, or the path of the field in the body.",
        "detail": "The reason why the value was refused, and the allowed values.",
    },
    "Turn": _SPOKEN,
    "TurnBody": _SPOKEN,
    "FunctionCall": _FUNCTION_CALL,
    "FunctionCallBody": _FUNCTION_CALL,
    "Evaluation": _EVALUATION,
    "EvaluationBody": {**_EVALUATION, "details": "Any further results of the evaluator, up to 16 KiB."},
    "VoiceSession": _SESSION,
    "VoiceSessionDetail": {
        **_SESSION,
        "transcript": "The turns in order; null without a transcript, and for keys without"
        " `transcripts:read`.",
        "function_calls": "The function calls in order; null without a report of them, and for keys without"
        " `transcripts:read`.",
    },
    "VoiceSessionList": {**PAGE, "data": "The sessions of this page, newest first."},
    "VoiceSessionOutcome": {
        **_OUTCOME,
        "id": "The session's id.",
        "call_id": "The id of the session's call in Calltally.",
    },
    "SessionBody": {
        "call_sid": "The SID of the session's call. Required until the session's call is known.",
        "stream_id": "The id of the media stream.",
        "agent_key": "The voice agent's key.",
        "status": "The state of the session.",
        "started_at": "Start of the session.",
        "ended_at": "End of the session.",
        "summary": "A short summary of the conversation.",
        "tags": "Tags to add to the session's tags.",
        "evaluation": "The evaluation of the session. A new or changed one is delivered as"
        " `voice.session.evaluated`.",
        "transcript": "The turns in order. They replace the stored turns.",
        "function_calls": "The function calls in order. They replace the stored ones.",
        "occurred_at": "Time that orders several requests for one session; the time of receipt by default.",
    },
    "EventError": {
        "parameter": "The name of the field, such as `cost.amount`.",
        "detail": "The reason why the value was refused.",
    },
    "EventOutcome": {
        **_OUTCOME,
        "id": "The sender's id of the event; null if it could not be read.",
        "errors": "The invalid fields of a refused event; absent otherwise.",
    },
    "EventsAnswer": {"outcomes": "The outcome of each event, in the order of the request."},
    "CallbackOutcome": _OUTCOME,
    "CallbackResult": {"outcomes": "The outcome of each fact that the callback states."},
    "NumberReveal": {
        "at": "Time of the view.",
        "key_id": "The key that viewed the numbers; `admin` for the admin key.",
        "call_id": CALL_ID,
    },
    "NumberRevealList": {"data": "The views, newest first."},
    "SharedCall": {
        "tenant": "The tenant of this call.",
        "id": CALL_ID,
        "status": "The state of the call.",
        "direction": "The direction from the tenant's view; null if unknown.",
        "created_at": CREATED,
        "provider": "The provider of the call; null if unknown.",
        "provider_account": "The account at the provider; null if unknown.",
    },
    "SharedSid": {
        "call_sid": CALL_SID,
        "calls": "The calls of the tenants that have this SID.",
        "accounts": "The accounts of one provider that reported this SID, if there are several.",
    },
    "SharedSidList": {
        "from": "Start of the searched window, included.",
        "to": "End of the searched window, excluded.",
        "data": "The shared SIDs.",
        "has_more": "True if there are more SIDs of several tenants than this list contains.",
    },
}
