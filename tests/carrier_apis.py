"""Stand-ins for the carriers' lists of calls, as their documents and samples have them.

Sources: Telnyx "Search detail records" and "Retrieve a call status"; Vonage "Get details of your calls";
Plivo "List all calls"; SignalWire's Compatibility API; jambonz "Recent calls" and its API server. Each knows
calls by a few plain facts (`Made`) and writes them in its own shape.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.call_resource import resource, rfc2822
from calltally.calls.times import EPOCH, SECOND_US
from tests.twilio_api import Reply, TwilioApi

Json = dict[str, Any]


class Made(NamedTuple):
    """A call as it was. `talk_s` is 0 where nobody answered; it rang for five seconds."""

    call_sid: str
    started_us: int
    talk_s: int = 37

    @property
    def answered_us(self) -> int:
        return self.started_us + 5 * SECOND_US

    @property
    def ended_us(self) -> int:
        return self.answered_us + self.talk_s * SECOND_US


def rfc3339(instant_us: int) -> str:
    return (EPOCH + timedelta(microseconds=instant_us)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    """One account's calls. Every `busy_every`th request is refused with 429 and told to come at once."""

    root = ""
    # The header that signs in.
    sign_in = "authorization"

    def __init__(self, calls: Sequence[Made] = (), *, busy_every: int = 0) -> None:
        self.calls = {call.call_sid: call for call in calls}
        self.busy_every = busy_every
        self.requested: list[str] = []
        self.odd: Any = None
        self.url = ""
        self._lock = Lock()

    def answer(self, target: str, authorization: str, body: bytes | None = None) -> Reply:
        with self._lock:
            self.requested.append(target)
            count = len(self.requested)
        if not self.is_signed_in(authorization):
            return Reply(401, self.error("Not signed in"))
        if self.busy_every and count % self.busy_every == 0:
            return Reply(429, self.error("Too many requests"), (("retry-after", "0"),))
        if self.odd is not None:
            return Reply(200, self.odd)
        parts = urlsplit(target)
        if body is not None:
            return self.posted(parts.path, body)
        return self.found(unquote(parts.path), dict(parse_qsl(parts.query)))

    def is_signed_in(self, authorization: str) -> bool:
        raise NotImplementedError

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        raise NotImplementedError

    def posted(self, path: str, body: bytes) -> Reply:
        return Reply(405, self.error(f"{path} takes no POST of {len(body)} bytes"))

    def error(self, text: str) -> Json:
        return {"message": text}

    def between(self, first: str, last: str, moment: Callable[[Made], int]) -> list[Made]:
        """The calls whose moment lies in a closed stretch, by it."""
        from_us, to_us = _instant_us(first), _instant_us(last)
        return sorted(
            (call for call in self.calls.values() if from_us <= moment(call) <= to_us),
            key=lambda call: (moment(call), call.call_sid),
        )


def _instant_us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int((moment - EPOCH).total_seconds()) * SECOND_US


def _started(call: Made) -> int:
    return call.started_us


class TelnyxApi(Api):
    """Pages by number, at most 50 a page; one call by its control id."""

    secrets: Final = {"public_key": "a2V5", "api_key": "KEY1", "account_id": "main"}

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == "Bearer KEY1"

    def error(self, text: str) -> Json:
        return {"errors": [{"code": "10009", "title": "Error", "detail": text}]}

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        if path == "/v2/detail_records" and query.get("filter[record_type]") == "call-control":
            return self._page(query)
        return Reply(404, self.error("Resource not found"))

    def _page(self, query: Mapping[str, str]) -> Reply:
        size, number = min(int(query.get("page[size]", "20")), 50), int(query.get("page[number]", "1"))
        if one := query.get("filter[call_control_id]"):
            found = [self.calls[one]] if one in self.calls else []
        else:
            first, last = query["filter[started_at][gte]"], query["filter[started_at][lte]"]
            found = self.between(first, last, _started)
        page = [self.record(call) for call in found[(number - 1) * size : number * size]]
        pages = -(-len(found) // size)
        meta = {"page_number": number, "page_size": size, "total_pages": pages, "total_results": len(found)}
        return Reply(200, {"data": page, "meta": meta})

    def record(self, call: Made) -> Json:
        return {
            "record_type": "call-control",
            "call_control_id": call.call_sid,
            "telnyx_leg_id": f"leg-of-{call.call_sid}",
            "cli": "+14155550100",
            "cld": "+14155550123",
            "direction": "outbound",
            "started_at": rfc3339(call.started_us),
            "answered_at": rfc3339(call.answered_us) if call.talk_s else None,
            "finished_at": rfc3339(call.ended_us),
            "call_sec": call.talk_s,
            "billed_sec": -(-call.talk_s // 60) * 60,
            "hangup_cause": "normal_clearing" if call.talk_s else "user_busy",
            "cost": "0.002",
            "currency": "USD",
        }


_KEY: Final = generate_private_key(public_exponent=65537, key_size=2048)
_PEM: Final = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class VonageApi(Api):
    """HAL pages of at most `most`, counted by `record_index`; signed in by a token of the application."""

    most = 100

    secrets: Final = {
        "signature_secret": "a-secret",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        "private_key": _PEM.replace("\n", "\\n"),
    }

    def is_signed_in(self, authorization: str) -> bool:
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "),
                _KEY.public_key(),
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "require": ["iat", "exp", "jti"]},
            )
        except jwt.PyJWTError:
            return False
        is_short = claims["exp"] - claims["iat"] <= 24 * 3_600
        return is_short and bool(claims["application_id"] == self.secrets["application_id"])

    def error(self, text: str) -> Json:
        return {"type": "https://developer.vonage.com", "title": "Error", "detail": text}

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        if path == "/v1/calls":
            return self._page(query)
        call = self.calls.get(path.removeprefix("/v1/calls/"))
        return Reply(404, self.error("Not found")) if call is None else Reply(200, self.record(call))

    def _page(self, query: Mapping[str, str]) -> Reply:
        size, index = min(int(query.get("page_size", "10")), self.most), int(query.get("record_index", "0"))
        found = self.between(query["date_start"], query["date_end"], _started)
        page = [self.record(call) for call in found[index : index + size]]
        links = {"self": {"href": f"/v1/calls?{urlencode(query)}"}}
        counted = {"count": len(found), "page_size": size, "record_index": index}
        return Reply(200, {"_embedded": {"calls": page}, "_links": links, **counted})

    def record(self, call: Made) -> Json:
        return {
            "_links": {"self": {"href": f"/v1/calls/{call.call_sid}"}},
            "uuid": call.call_sid,
            "conversation_uuid": f"CON-{call.call_sid}",
            "direction": "outbound",
            "from": {"type": "phone", "number": "14155550100"},
            "to": {"type": "phone", "number": "14155550123"},
            "status": "completed" if call.talk_s else "busy",
            "start_time": rfc3339(call.answered_us if call.talk_s else call.started_us),
            "end_time": rfc3339(call.ended_us),
            "duration": str(call.talk_s),
            "rate": "0.10000000",
            "price": "0.00333333",
            "network": "23420",
        }


class PlivoApi(Api):
    """Ended calls by their end, in the account's zone, 20 a page; `next` is a path."""

    account: Final = "MA" + "B" * 18
    secrets: Final = {"auth_token": "the-token", "auth_id": account}
    zone: Final = timezone(timedelta(hours=5, minutes=30))

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == f"Basic {b64encode(f'{self.account}:the-token'.encode()).decode()}"

    def error(self, text: str) -> Json:
        return {"api_id": "1", "error": text}

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        root = f"/v1/Account/{self.account}/Call/"
        if path == root:
            return self._page(path, query)
        call = self.calls.get(path.removeprefix(root).rstrip("/"))
        return Reply(404, self.error("not found")) if call is None else Reply(200, self.record(call))

    def _page(self, path: str, query: Mapping[str, str]) -> Reply:
        size, offset = min(int(query.get("limit", "20")), 20), int(query.get("offset", "0"))
        found = self.between(self._utc(query["end_time__gte"]), self._utc(query["end_time__lte"]), _ended)
        page = [self.record(call) for call in reversed(found)][offset : offset + size]
        following = f"{path}?{urlencode({**query, 'offset': offset + size})}"
        has_more = offset + size < len(found)
        meta = {"limit": size, "next": following if has_more else None, "offset": offset, "previous": None}
        return Reply(200, {"api_id": "1", "meta": {**meta, "total_count": len(found)}, "objects": page})

    def _utc(self, text: str) -> str:
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).isoformat()

    def _stamp(self, instant_us: int) -> str:
        moment = (EPOCH + timedelta(microseconds=instant_us)).astimezone(self.zone)
        return moment.strftime("%Y-%m-%d %H:%M:%S") + "+05:30"

    def record(self, call: Made) -> Json:
        return {
            "answer_time": self._stamp(call.answered_us) if call.talk_s else None,
            "api_id": f"request {len(self.requested)}",
            "bill_duration": call.talk_s,
            "billed_duration": -(-call.talk_s // 60) * 60,
            "call_direction": "outbound",
            "call_duration": call.talk_s,
            "call_uuid": call.call_sid,
            "end_time": self._stamp(call.ended_us),
            "from_number": "+14155550100",
            "hangup_cause_code": 4000 if call.talk_s else 3010,
            "hangup_cause_name": "Normal Hangup" if call.talk_s else "Busy Line",
            "hangup_source": "Callee",
            "initiation_time": self._stamp(call.started_us),
            "parent_call_uuid": None,
            "resource_uri": f"/v1/Account/{self.account}/Call/{call.call_sid}/",
            "to_number": "14155550123",
            "total_amount": "0.00000",
            "total_rate": "0.03570",
        }


def _ended(call: Made) -> int:
    return call.ended_us


class SignalwireApi(Api):
    """Twilio's manner under a path and an account of its own."""

    project: Final = "b08dacad-6d6c-4ba2-b425-2f8bd7f57dcd"
    secrets: Final = {
        "signing_key": "PSK_1",
        "project_id": project,
        "api_token": "PT_1",
        "space": "example.signalwire.com",
    }

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == f"Basic {b64encode(f'{self.project}:PT_1'.encode()).decode()}"

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        root = f"/api/laml/2010-04-01/Accounts/{self.project}/Calls"
        twilio = TwilioApi(self.record(call) for call in self.calls.values())
        if path == f"{root}.json":
            return twilio._page(path, dict(query))
        call = self.calls.get(path.removeprefix(f"{root}/").removesuffix(".json"))
        return Reply(404, self.error("not found")) if call is None else Reply(200, self.record(call))

    def record(self, call: Made) -> Json:
        status = "completed" if call.talk_s else "busy"
        return resource(
            call.call_sid,
            call.started_us,
            status,
            call.talk_s,
            account_sid=self.project,
            end_time=rfc2822(call.ended_us),
            price=0.00865,
        )


class JambonzApi(Api):
    """Recent calls, newest first, pages by number of 25 to 500; the filter finds parts too."""

    account: Final = "ee9d7d49-b3e4-4fdb-9d66-661149f717e8"
    secrets: Final = {"webhook_secret": "wh_1", "account_sid": account, "api_key": "key-1"}

    def is_signed_in(self, authorization: str) -> bool:
        return authorization == "Bearer key-1"

    def error(self, text: str) -> Json:
        return {"msg": text}

    def found(self, path: str, query: Mapping[str, str]) -> Reply:
        size, number = int(query.get("count", "0")), int(query.get("page", "0"))
        if path != f"/v1/Accounts/{self.account}/RecentCalls" or number < 1 or not 25 <= size <= 500:
            return Reply(400, self.error("missing or invalid"))
        if wanted := query.get("filter"):
            found = [call for call in self.calls.values() if wanted in call.call_sid]
        else:
            found = self.between(query["start"], query["end"], _started)[::-1]
        page = [self.record(call) for call in found[(number - 1) * size : number * size]]
        return Reply(200, {"total": len(found), "batch": len(page), "page": str(number), "data": page})

    def record(self, call: Made) -> Json:
        return {
            "account_sid": self.account,
            "answered": bool(call.talk_s),
            "answered_at": call.answered_us // 1_000 if call.talk_s else None,
            "attempted_at": call.started_us // 1_000,
            "call_sid": call.call_sid,
            "direction": "outbound",
            "duration": 5 + call.talk_s if call.talk_s else 0,
            "from": "14155550100",
            "to": "14155550123",
            "host": "192.168.1.100",
            "remote_host": "3.55.24.34",
            "sip_callid": f"sip-of-{call.call_sid}",
            "sip_status": 200 if call.talk_s else 486,
            "terminated_at": call.ended_us // 1_000,
            "termination_reason": "caller hungup",
            "trunk": "user",
        }


APIS: Final[Mapping[str, type[Any]]] = {
    "telnyx": TelnyxApi,
    "vonage": VonageApi,
    "plivo": PlivoApi,
    "signalwire": SignalwireApi,
    "jambonz": JambonzApi,
}
