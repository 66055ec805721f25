"""Mappings: their language, and faults by line."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1
from typing import Any

import pytest
from nacl.signing import SigningKey

from calltally.calls.errors import InvalidInput, NotUnderstood
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import Call
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.generic.bodies import facts_of, list_facts
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.signature import verify
from tests.unit.providers.sampling import NOW_US

NOW_S = NOW_US // 1_000_000
MINIMAL = 'provider = "acme"\n[fields]\ncall_sid = "id"\n'


def parsed(mapping: str, body: object, channel: Channel = Channel.IMPORT) -> list[Fact | UnreadableRecord]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(list_facts(text.splitlines(keepends=True), RecordSource(channel, NOW_US, mapping=mapping)))


def statement(mapping: str, body: object) -> Mapping[str, Any]:
    (item,) = parsed(mapping, body)
    assert isinstance(item, Fact), item
    return item.stated


def faults(mapping: str) -> str:
    with pytest.raises(InvalidInput) as raised:
        compile_mapping(mapping)
    return raised.value.detail


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("provider = 7", "line 1: provider: must be text in quotes"),
        ('provider = ""', "line 1: provider: must name the provider"),
        ('format = "yaml"', "format: is 'yaml'; it must be one of json, form, csv, xml"),
        ('time_zone = "Mars/Olympus"', "time_zone: there is no time zone 'Mars/Olympus'"),
        ('events = "a..b"', "events: 'a..b' is not a path at character 3"),
        ('events = "a[x]"', "not a path at character 2"),
        ("events = []", "events: must be a path in quotes"),
        ("carrier = 1", "carrier: must be true or false"),
        ('[csv]\ndelimiter = ";;"', "csv.delimiter: must be one character"),
        ('[csv]\nencoding = "utf-16"', "csv.encoding: 'utf-16' has no ASCII line ends"),
        ('[csv]\nencoding = "klingon"', "csv.encoding: there is no encoding 'klingon'"),
        ('[fields]\nstatus = "s"', "fields.status: needs a table [words.status]"),
        (
            '[fields]\nstatus = "s"\n[words.status]\nup = "flying"',
            "words.status.up: is 'flying'; it must be",
        ),
        ('[words.agent]\na = "b"', "words.agent: needs a field fields.agent, which is missing"),
        ('[fields]\nagent = {path = "a", value = "b"}', "fields.agent: needs one of path, join and value"),
        ('[fields]\nagent = {join = ["a", "b"]}', "fields.agent: join needs a table [words.agent]"),
        ("[fields]\nsip_code = {value = 99}", "fields.sip_code.value: not a whole number from 100 to 699"),
        ('[fields]\nended_at = {path = "e", format = "soon"}', "fields.ended_at.format: a format has"),
        ('[fields]\nended_at = {path = "e", read = "noon"}', "is read as one of time, epoch_s, epoch_ms"),
        ('[fields]\nstatu = "s"', "fields.statu: unknown key; the keys are call_sid, id"),
        ('[verify]\nscheme = "magic"', "verify.scheme: is 'magic'; it must be one of hmac, ed25519"),
        ('[verify]\nheader = "x"', "verify.scheme: is missing"),
        ('[verify]\nscheme = "hmac"', "verify.header: is missing"),
        ('[verify]\nscheme = "hmac"\nheader = "x"\nsigned = "{url}"', "leaves {body} out: anybody"),
        (
            '[verify]\nscheme = "hmac"\nheader = "x"\nsigned = "{timestamp}{body}"',
            "verify.timestamp: is missing",
        ),
        (
            '[verify]\nscheme = "hmac"\nheader = "x"\ntimestamp = "t"',
            "leaves {timestamp} out: anybody could send an old",
        ),
        ("= nonsense", "the mapping is not TOML"),
    ],
)
def test_faults_of_a_mapping_name_their_line(line: str, words: str) -> None:
    whole = line if line.startswith("provider") else f'provider = "acme"\n{line}'
    assert words in faults(whole)


def test_all_faults_are_reported_at_once() -> None:
    detail = faults('provider = ""\nformat = "yaml"\n')
    assert detail.count("\n") == 2
    assert "fields.call_sid: is missing" in detail


def test_mapping_size_is_limited() -> None:
    assert "more than 32768 characters" in faults(MINIMAL + "#" * 40_000)
    assert "at most" in faults(MINIMAL + 'agent = "' + "a." * 90 + 'a"\n')


@pytest.mark.parametrize(
    ("field", "value", "target", "expected"),
    [
        ('ended_at = "v"', "2026-08-22T08:20:00Z", "ended_us", 1_787_386_800_000_000),
        ('ended_at = "v"', "2026-08-22 10:20:00", "ended_us", 1_787_386_800_000_000),
        ('ended_at = {path = "v", read = "epoch_s"}', 1_787_386_800, "ended_us", 1_787_386_800_000_000),
        ('ended_at = {path = "v", read = "epoch_us"}', "1787386800000001", "ended_us", 1_787_386_800_000_001),
        (
            'ended_at = {path = "v", read = "rfc2822"}',
            "Sat, 22 Aug 2026 08:20:00 +0000",
            "ended_us",
            1_787_386_800_000_000,
        ),
        (
            'ended_at = {path = "v", format = "%d/%m/%Y %H:%M"}',
            "22/08/2026 10:20",
            "ended_us",
            1_787_386_800_000_000,
        ),
        ('duration_seconds = {path = "v", read = "clock"}', "1:02:03", "talk_seconds", 3_723.0),
        ('duration_seconds = {path = "v", read = "iso8601"}', "PT2M3.5S", "talk_seconds", 123.5),
        ('duration_seconds = {path = "v", read = "minutes"}', "1.5", "talk_seconds", 90.0),
        ('duration_seconds = {path = "v", read = "milliseconds"}', 42_700, "talk_seconds", 42.7),
        ('duration_seconds = "v"', "33", "talk_seconds", 33.0),
        ('escalated = "v"', True, "escalated", True),
        ('escalated = "v"', "No", "escalated", False),
        ('tags = "v"', ["b", "a"], "tags", ["a", "b"]),
        ('from_number = {path = "v", read = "bare_number"}', "14155550100", "from_number", "+14155550100"),
        ('agent = "outer.list[1]"', None, "agent", "second"),
        ("agent = 'outer.\"with.dot\"'", None, "agent", "dotted"),
        ('agent = ["v", "outer.list[0]"]', "", "agent", "first"),
        ('agent = {value = "ada"}', None, "agent", "ada"),
        ('cost_amount = "v"', "-0.0140", "cost", {"amount": "0.0140", "currency": None}),
        ('transfer_target = "v"', "desk", "transfer", {"target": "desk", "outcome": None}),
    ],
)
def test_each_kind_of_value_is_parsed(field: str, value: object, target: str, expected: object) -> None:
    mapping = f'provider = "acme"\ntime_zone = "Europe/Berlin"\n[fields]\ncall_sid = "id"\n{field}\n'
    outer = {"list": ["first", "second"], "with.dot": "dotted"}
    assert statement(mapping, {"id": "c-1", "v": value, "outer": outer})[target] == expected


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ('ended_at = "v"', "soon", "ended_at at v is 'soon': not an RFC 3339 time"),
        ('ended_at = "v"', "1999-01-01T00:00:00Z", "before the year 2000"),
        ('ended_at = {path = "v", format = "%H:%M"}', "25:99", "not a time of the format"),
        ('duration_seconds = {path = "v", read = "clock"}', "an hour", "not a length such as 0:02:03"),
        ('duration_seconds = {path = "v", read = "iso8601"}', "P", "not a length such as PT2M3S"),
        ('session_id = "v"\nid = "v"', "x" * 300, "300 characters, more than 200"),
    ],
)
def test_invalid_values_are_named_with_field_and_path(field: str, value: str, words: str) -> None:
    (item,) = parsed(MINIMAL + field + "\n", {"id": "c-1", "v": value})
    assert isinstance(item, UnreadableRecord)
    assert words in item.reason


def test_word_lookup_ignores_case_and_a_star_matches_any_word() -> None:
    mapping = MINIMAL + 'status = "s"\n[words.status]\nUP = "in-progress"\n"*" = "unsaid"\nping = "ignore"\n'
    assert statement(mapping, {"id": "1", "s": "Up"})["status"] == "in-progress"
    assert "status" not in statement(mapping, {"id": "1", "s": "humming"})
    assert parsed(mapping, {"id": "1", "s": "ping"}) == []


def test_carrier_sids_become_links() -> None:
    (fact,) = parsed(MINIMAL + 'carrier_sid = "sid"\n', {"id": "c-1", "sid": "CA1"})
    assert isinstance(fact, Fact)
    assert [(link.call_sid, link.is_carrier) for link in fact.links] == [("CA1", True)]


def test_volatile_parts_are_not_in_the_digest() -> None:
    mapping = 'volatile = ["attempt", "sent.at"]\n' + MINIMAL
    bodies = [{"id": "1", "attempt": number, "sent": {"at": number, "by": "x"}} for number in (1, 2)]
    first, again = (parsed(mapping, body)[0] for body in bodies)
    assert isinstance(first, Fact)
    assert isinstance(again, Fact)
    assert first.key == again.key


def test_a_talk_longer_than_the_call_is_refused() -> None:
    mapping = MINIMAL + 'started_at = "a"\nended_at = "b"\nduration_seconds = "t"\n'
    (item,) = parsed(mapping, {"id": "1", "a": "2026-08-22T08:00:00Z", "b": "2026-08-22T08:00:09Z", "t": 30})
    assert isinstance(item, UnreadableRecord)
    assert "the talk of 30 s is longer than the call of 9 s" in item.reason


CSV = """
provider = "dialler"
format = "csv"
[csv]
delimiter = ";"
encoding = "cp1252"
[fields]
call_sid = "Ruf Nr"
status = { value = "completed" }
started_at = { path = "Beginn", format = "%d.%m.%Y %H:%M:%S" }
summary = "Notiz"
"""


def test_tables_are_read_row_by_row() -> None:
    file = "Ruf Nr;Beginn;Notiz\r\n1;22.08.2026 10:00:00;Grüße\r\n2;31.02.2026 10:00:00;\r\n3;22\r\n".encode(
        "cp1252"
    )
    items = parsed(CSV, file + b'Ruf Nr;Beginn;Notiz\r\n4;22.08.2026 10:00:00;"zwei\r\nZeilen"\r\n')
    assert [type(item) for item in items] == [Fact, UnreadableRecord, UnreadableRecord, Fact]
    assert isinstance(items[0], Fact)
    assert items[0].stated["summary"] == "Grüße"
    assert isinstance(items[3], Fact)
    assert items[3].stated["summary"] == "zwei\r\nZeilen"


def test_forms_and_xml_are_read() -> None:
    form = 'provider = "acme"\nformat = "form"\n[fields]\ncall_sid = "id"\nagent = "who"\n'
    assert statement(form, b"id=1&who=ada")["agent"] == "ada"
    xml = 'provider = "acme"\nformat = "xml"\n[fields]\ncall_sid = "cdr.id"\nagent = "cdr.who"\n'
    assert statement(xml, b"<cdr><id>1</id><who>ada</who></cdr>")["agent"] == "ada"
    (unreadable,) = parsed(xml, b"<!DOCTYPE x><cdr/>")
    assert isinstance(unreadable, UnreadableRecord)


def test_invalid_mappings_and_too_many_events_are_not_understood() -> None:
    callback = Callback("POST", "https://calls.example/", {}, b"{}", NOW_US)
    with pytest.raises(NotUnderstood, match="no mapping is stored"):
        facts_of(callback)
    with pytest.raises(NotUnderstood, match="the stored mapping is invalid"):
        facts_of(Callback("POST", "https://calls.example/", {}, b"{}", NOW_US, mapping="x"))
    many = json.dumps([{"id": str(number)} for number in range(1_001)]).encode()
    with pytest.raises(NotUnderstood, match="1001 events"):
        facts_of(Callback("POST", "https://calls.example/", {}, many, NOW_US, mapping=MINIMAL))


KEY = SigningKey(b"k" * 32)
OTHER = SigningKey(b"o" * 32)
BODY = b'{"id": "1"}'
STAMPED = (
    'scheme = "hmac"\nheader = "x-sign"\npart = "v1"\ntimestamp_part = "t"\nsigned = "{timestamp}.{body}"'
)
ED25519 = """scheme = "ed25519"
header = "x-sign"
encoding = "base64"
timestamp = "x-time"
timestamp_unit = "ms"
signed = "{timestamp}|{method}{body}"
"""


def is_accepted(check: str, headers: Mapping[str, str], secret: str, body: bytes = BODY) -> bool:
    mapping = f'provider = "acme"\n[verify]\n{check}\n[fields]\ncall_sid = "id"\n'
    compile_mapping(mapping)
    callback = Callback("POST", "https://calls.example/", headers, body, NOW_US)
    return verify(callback, {"mapping": mapping, "secret": secret})


@pytest.mark.parametrize(
    ("check", "headers", "secret"),
    [
        ('scheme = "bearer"', {"authorization": "Bearer s3"}, "s3"),
        ('scheme = "bearer"\nheader = "X-Api-Key"', {"x-api-key": "s3"}, "s3"),
        ('scheme = "bearer"\nheader = "X-Api-Key"\nprefix = "Token "', {"x-api-key": "Token s3"}, "s3"),
        ('scheme = "basic"', {"authorization": "Basic " + b64encode(b"any:s3").decode()}, "s3"),
        (
            'scheme = "hmac"\nheader = "x-sign"\nalgorithm = "sha1"\nprefix = "sha1="',
            {"x-sign": "sha1=" + hmac.new(b"s3", BODY, sha1).hexdigest()},
            "s3",
        ),
        (
            STAMPED,
            {"x-sign": f"t={NOW_S},v1=00,v1={hmac.new(b's3', b'%d.' % NOW_S + BODY, 'sha256').hexdigest()}"},
            "s3",
        ),
        (
            ED25519,
            {
                "x-time": f"{NOW_S}000",
                "x-sign": b64encode(KEY.sign(b"%d000|POST" % NOW_S + BODY).signature).decode(),
            },
            KEY.verify_key.encode().hex(),
        ),
    ],
)
def test_each_scheme_accepts_only_authentic_requests(
    check: str, headers: Mapping[str, str], secret: str
) -> None:
    assert is_accepted(check, headers, secret)
    assert not is_accepted(check, headers, OTHER.verify_key.encode().hex())
    assert not is_accepted(check, {}, secret)
    assert not is_accepted(check, headers, "")
    if "signed" in check or "hmac" in check:
        assert not is_accepted(check, headers, secret, BODY + b" ")


def test_invalid_and_old_times_are_rejected() -> None:
    check = (
        'scheme = "hmac"\nheader = "s"\ntimestamp = "t"\nsigned = "{timestamp}{body}"\ntolerance_seconds = 60'
    )
    for stamp, expected in ((f"{NOW_S}", True), (f"{NOW_S - 61}", False), ("soon", False), ("", False)):
        signature = hmac.new(b"s3", stamp.encode() + BODY, "sha256").hexdigest()
        assert is_accepted(check, {"t": stamp, "s": signature}, "s3") is expected


TABLE = """
provider = "old-pbx"
format = "csv"
time_zone = "UTC"
[fields]
call_sid = "id"
started_at = { path = "start", format = "%Y-%m-%d %H:%M:%S" }
duration_seconds = "billsec"
status = "result"
[words.status]
answered = "completed"
busy = "busy"
"""


def test_rows_without_an_end_are_dated_by_their_start() -> None:
    """The last call of July stays in July, and the first one of August in August."""
    rows = (
        b"id,start,billsec,result\n1,2026-08-01 00:00:10,60,answered\n2,2026-07-31 23:59:50,45,answered\n"
        b"3,2026-08-01 00:00:10,0,busy\n"
    )
    assert [(call.created_at, call.ended_at, call.duration_seconds) for call in calls_of(TABLE, rows)] == [
        ("2026-08-01T00:00:10.000000Z", "2026-08-01T00:01:10.000000Z", 60),
        ("2026-07-31T23:59:50.000000Z", "2026-08-01T00:00:35.000000Z", 45),
        ("2026-08-01T00:00:10.000000Z", "2026-08-01T00:00:10.000000Z", 0),
    ]


def test_total_seconds_give_the_end_and_the_start_of_the_talk() -> None:
    mapping = TABLE.replace("[words.status]", 'total_seconds = "duration"\n[words.status]')
    header = b"id,start,duration,billsec,result\n"
    rows = header + b"1,2026-08-01 00:00:10,75,60,answered\n2,2026-08-01 00:01:00,20,0,busy\n"
    talked, missed = calls_of(mapping, rows)
    assert (talked.created_at, talked.answered_at, talked.ended_at) == (
        *("2026-08-01T00:00:10.000000Z", "2026-08-01T00:00:25.000000Z"),
        "2026-08-01T00:01:25.000000Z",
    )
    assert (missed.ended_at, missed.status) == ("2026-08-01T00:01:20.000000Z", "busy")


def calls_of(mapping: str, rows: bytes) -> list[Call]:
    """Return the record of each row; each row is a separate call."""
    facts = parsed(mapping, rows)
    assert [item for item in facts if not isinstance(item, Fact)] == []
    return [
        fold("acme", Node(item.call_sid, is_carrier=False), [item]).call
        for item in facts
        if isinstance(item, Fact)
    ]
