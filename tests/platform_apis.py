"""Stand-ins for the lists of voice-agent platforms, as their SDKs and references have them.

Sources: Vapi's API reference, "List calls"; Retell's SDK, "List calls" of its third version; ElevenLabs' SDK,
"List conversations". What was said, and who carries a call, Retell and ElevenLabs tell of single calls alone.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from calltally.calls.times import EPOCH, SECOND_US
from tests.carrier_apis import Api, Json, Made
from tests.twilio_api import Reply


def carrier_sid(call: Made) -> str:
    """Under which SID a carrier knows it."""
    return "CA" + call.call_sid.replace("-", "")[:32]


def rfc3339_ms(instant_us: int) -> str:
    return (EPOCH + timedelta(microseconds=instant_us)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class VapiApi(Api):
    """A bare array, newest first, at most `most` a page; bounds are of the stretch."""

    secrets: Final = {"secret": "shown", "api_key": "KEY1", "org_id": "org-1"}
    account: Final = "org-1"
    most = 1_000

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == "Bearer KEY1"

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        if path == "/call":
            found = self.between(query["createdAtGe"], query["createdAtLe"], _started)[::-1]
            size = min(int(query.get("limit", "100")), self.most)
            return Reply(200, [self.record(call) for call in found[:size]])
        call = self.calls.get(path.removeprefix("/call/"))
        if call is None:
            return Reply(404, self.error(f"Couldn't find call with id {path[-20:]}"))
        return Reply(200, self.record(call))

    def record(self, call: Made) -> Json:
        talked = call.talk_s > 0
        return {
            "id": call.call_sid,
            "orgId": "org-1",
            "type": "outboundPhoneCall",
            "status": "ended",
            "assistantId": "assistant-7",
            "phoneCallProvider": "twilio",
            "phoneCallProviderId": carrier_sid(call),
            "customer": {"number": "+14155550123"},
            "createdAt": rfc3339_ms(call.started_us),
            "updatedAt": rfc3339_ms(call.ended_us + 9 * SECOND_US),
            "startedAt": rfc3339_ms(call.answered_us) if talked else None,
            "endedAt": rfc3339_ms(call.ended_us),
            "endedReason": "customer-ended-call" if talked else "customer-busy",
            "cost": 0.05,
            "analysis": {"summary": "Booked a table."} if talked else {},
            "artifact": {"messages": [{"role": "bot", "message": "Good morning.", "secondsFromStart": 1}]}
            if talked
            else {},
        }


def _started(call: Made) -> int:
    return call.started_us


class RetellApi(Api):
    """Pages by key, asked for by POST; the list is without what was said."""

    secrets: Final = {"api_key": "key_the"}
    account: Final = ""

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == "Bearer key_the"

    def found(self, path: str, query: Mapping[str, str]) -> Reply:  # noqa: ARG002 (as the others)
        call = self.calls.get(path.removeprefix("/v2/get-call/"))
        if call is None:
            return Reply(404, self.error("Cannot find requested asset under given api key"))
        return Reply(200, {**self.record(call), **self.words(call)})

    def posted(self, path: str, body: bytes) -> Reply:
        requested: Any = msgspec.json.decode(body)
        criterion = requested["filter_criteria"]["start_timestamp"]
        if path != "/v3/list-calls" or (criterion["type"], criterion["op"]) != ("range", "bt"):
            return Reply(400, self.error("Invalid request"))
        first_ms, last_ms = criterion["value"]
        found = self.between(rfc3339_ms(first_ms * 1_000), rfc3339_ms(last_ms * 1_000), _start_of)
        begin = int(requested.get("pagination_key", "0"))
        page = found[begin : begin + min(requested["limit"], 100)]
        has_more = begin + len(page) < len(found)
        more = {"pagination_key": str(begin + len(page))} if has_more else {}
        return Reply(200, {"items": [self.record(call) for call in page], "has_more": has_more, **more})

    def record(self, call: Made) -> Json:
        talked = call.talk_s > 0
        return {
            "call_type": "phone_call",
            "call_id": call.call_sid,
            "agent_id": "agent_7",
            "agent_version": 3,
            "call_status": "ended" if talked else "not_connected",
            "direction": "outbound",
            "from_number": "+14155550100",
            "to_number": "+14155550123",
            "start_timestamp": _start_of(call) // 1_000,
            "end_timestamp": call.ended_us // 1_000,
            **({"duration_ms": call.talk_s * 1_000} if talked else {}),
            "disconnection_reason": "user_hangup" if talked else "dial_busy",
            "telephony_identifier": {"twilio_call_sid": carrier_sid(call)},
        }

    def words(self, call: Made) -> Json:
        if not call.talk_s:
            return {}
        return {
            "transcript_object": [{"role": "agent", "content": "Good morning.", "words": []}],
            "call_analysis": {"call_summary": "Booked a table."},
        }


def _start_of(call: Made) -> int:
    return call.answered_us if call.talk_s else call.started_us


class ElevenLabsApi(Api):
    """Pages by cursor; the list knows no carrier. Signed in by a header of its own."""

    secrets: Final = {"webhook_secret": "wsec_the", "api_key": "xi_1"}
    account: Final = ""
    sign_in = "xi-api-key"

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == "xi_1"

    def error(self, text: str) -> Json:
        return {"detail": {"status": "error", "message": text}}

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        if path == "/v1/convai/conversations":
            return self._page(query)
        call = self.calls.get(path.removeprefix("/v1/convai/conversations/"))
        return Reply(404, self.error("not found")) if call is None else Reply(200, self.conversation(call))

    def _page(self, query: Mapping[str, str]) -> Reply:
        after_us, before_us = (
            int(query[name]) * SECOND_US for name in ("call_start_after_unix", "call_start_before_unix")
        )
        # The bounds themselves are not of it.
        found = self.between(rfc3339_ms(after_us + SECOND_US), rfc3339_ms(before_us - SECOND_US), _start_of)
        begin, size = int(query.get("cursor", "0")), min(int(query.get("page_size", "30")), 100)
        page = found[begin : begin + size]
        has_more = begin + size < len(found)
        cursor = str(begin + size) if has_more else None
        listed = [self.record(call) for call in page]
        return Reply(200, {"conversations": listed, "next_cursor": cursor, "has_more": has_more})

    def record(self, call: Made) -> Json:
        return {
            "agent_id": "agent_7",
            "conversation_id": call.call_sid,
            "start_time_unix_secs": _start_of(call) // SECOND_US,
            "call_duration_secs": call.talk_s,
            "message_count": 1,
            "status": "done" if call.talk_s else "failed",
            "call_successful": "success" if call.talk_s else "unknown",
            "termination_reason": "Call ended by remote party" if call.talk_s else "busy",
            "direction": "outbound",
        }

    def conversation(self, call: Made) -> Json:
        phone = {
            "type": "twilio",
            "direction": "outbound",
            "agent_number": "+14155550100",
            "external_number": "+14155550123",
            "call_sid": carrier_sid(call),
        }
        return {
            "agent_id": "agent_7",
            "conversation_id": call.call_sid,
            "status": "done" if call.talk_s else "failed",
            "transcript": [{"role": "agent", "message": "Good morning.", "time_in_call_secs": 0}]
            if call.talk_s
            else [],
            "metadata": {
                "start_time_unix_secs": _start_of(call) // SECOND_US,
                "call_duration_secs": call.talk_s,
                "termination_reason": "Call ended by remote party" if call.talk_s else "busy",
                "phone_call": phone,
            },
            "analysis": {"call_successful": "success", "transcript_summary": "Booked a table."}
            if call.talk_s
            else None,
        }


PLATFORMS: Final[Mapping[str, type[Any]]] = {
    "vapi": VapiApi,
    "retell": RetellApi,
    "elevenlabs": ElevenLabsApi,
}
