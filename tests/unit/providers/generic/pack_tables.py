"""Tables of the mapping packs, in the vendor's shape with our own values."""

from collections.abc import Mapping
from typing import Final

Calls = Mapping[str, Mapping[str, object]]

# CDR-Stats, from FreeSWITCH: whole seconds without an offset.
CDR_STATS: Final = b"""\
switch,cdr_source_type,callid,caller_id_number,caller_id_name,destination_number,dialcode,state,channel,\
starting_date,duration,billsec,progresssec,answersec,waitsec,hangup_cause_id,hangup_cause,direction,country_code,\
accountcode,buy_rate,buy_cost,sell_rate,sell_cost,extradata
10.0.0.5,1,5f0c-1,4155550100,Ada,+14155550123,1,,,2026-08-22 08:00:10,55,50,,,,16,,1,,1000,,,,,{}
10.0.0.5,1,5f0c-2,4155550100,Ada,+14155550124,1,,,2026-08-22 08:10:00,20,0,,,,17,,1,,1000,,,,,{}
10.0.0.5,1,5f0c-3,4155550100,Ada,+14155550125,1,,,2026-08-22 08:20:00,30,0,,,,19,,1,,1000,,,,,{}
10.0.0.5,1,5f0c-4,4155550100,Ada,+14155550126,1,,,2026-08-22 08:30:00,8,0,,,,487,,1,,,,,,,{}
10.0.0.5,1,5f0c-5,4155550100,Ada,+14155550127,1,,,2026-08-22 08:40:00,1,0,,,,27,,1,,,,,,,{}
"""
CDR_STATS_CALLS: Final[Calls] = {
    "5f0c-1": {
        "status": "completed",
        "from_number": "4155550100",
        "to_number": "+14155550123",
        "direction": None,
        "created_at": "2026-08-22T08:00:10.000000Z",
        "answered_at": "2026-08-22T08:00:15.000000Z",
        "ended_at": "2026-08-22T08:01:05.000000Z",
        "duration_seconds": 50,
        "metadata": {"account_code": "1000", "caller_name": "Ada"},
    },
    "5f0c-2": {"status": "busy", "ended_at": "2026-08-22T08:10:20.000000Z", "duration_seconds": 0},
    "5f0c-3": {"status": "no-answer", "ended_at": "2026-08-22T08:20:30.000000Z", "duration_seconds": 0},
    "5f0c-4": {"status": "canceled", "ended_at": "2026-08-22T08:30:08.000000Z", "duration_seconds": 0},
    "5f0c-5": {"status": "failed", "ended_at": "2026-08-22T08:40:01.000000Z", "duration_seconds": 0},
}

# 3CX: all fields in the order of its page.
THREE_CX: Final = b"""\
Call 1,0001,00:00:42,2026/08/22 08:00:00,2026/08/22 08:00:10,2026/08/22 08:00:52,TerminatedBySrc,\
+14155550123,Ext.100,,100,+14155550100,,,,,,,,Chain: +14155550123;Ext.100;,Line,Extension,,,Ada,Ada,
Call 2,0002,,2026/08/22 08:10:00,,2026/08/22 08:10:20,TerminatedBySrc,\
+14155550124,Ext.100,,100,+14155550100,,,,,,,,Chain: +14155550124;,Line,Extension,,,Ada,,
Call 3,0003,,2026/08/22 08:20:00,,2026/08/22 08:20:30,TargetBusy,Ext.100,\
+14155550125,100,,+14155550125,,,,,,,,Chain: Ext.100;,Extension,Line,,Ada,,,
Call 4,0004,00:00:30,2026/08/22 08:30:00,2026/08/22 08:30:05,2026/08/22 08:30:35,TerminatedByDst,Ext.100,\
Ext.101,100,101,101,,,,,,,,Chain: Ext.100;Ext.101;,Extension,Extension,,Ada,Grace,Grace,
"""
THREE_CX_CALLS: Final[Calls] = {
    "0001": {
        "status": "completed",
        "direction": "inbound",
        "from_number": "+14155550123",
        "to_number": "+14155550100",
        "agent": "Ada",
        "end_reason": "remote-hung-up",
        "created_at": "2026-08-22T08:00:00.000000Z",
        "answered_at": "2026-08-22T08:00:10.000000Z",
        "ended_at": "2026-08-22T08:00:52.000000Z",
        "duration_seconds": 42,
    },
    "0002": {"status": "canceled", "direction": "inbound", "duration_seconds": 0},
    "0003": {"status": "busy", "direction": "outbound", "to_number": "+14155550125"},
    "0004": {"status": "completed", "direction": None, "to_number": "101", "duration_seconds": 30},
}

# FusionPBX's export: the column `duration` is the talk.
FUSIONPBX: Final = b"""\
"domain_uuid","sip_call_id","extension","extension_name","start_stamp","end_stamp","start_date_formatted",\
"start_time_formatted","start_epoch","hangup_cause","duration","billmsec","missed_call","record_path","record_name",\
"xml_cdr_uuid","bridge_uuid","direction","billsec","caller_id_name","caller_id_number","caller_destination",\
"source_number","destination_number","leg","read_codec","write_codec","cc_side","answer_stamp","status",\
"sip_hangup_disposition","pdd_ms","rtp_audio_in_mos","tta"
"d-1","s1@pbx","100","Ada",\
"2026-08-22 10:00:00+02","2026-08-22 10:00:52+02","22 Aug 2026","10:00","1787385600",\
"NORMAL_CLEARING","42","42000","","","","x-1","x-9","inbound","42","Bo","+14155550123","+14155550100","","100","a","PCMU",\
"PCMU","","2026-08-22 10:00:10+02","answered","recv_bye","120","4.40","10"
"d-1","s2@pbx","100","Ada",\
"2026-08-22 10:10:00+02","2026-08-22 10:10:20+02","22 Aug 2026","10:10","1787386200",\
"USER_BUSY","0","0","","","","x-2","","outbound","0","Ada","+14155550100","+14155550124","","+14155550124","a","PCMU",\
"PCMU","","","busy","send_refuse","90","",""
"d-1","s3@pbx","100","Ada",\
"2026-08-22 10:20:00+02","2026-08-22 10:20:09+02","22 Aug 2026","10:20","1787386800",\
"NORMAL_CLEARING","0","0","true","","","x-3","","local","0","Bo","101","","","100","a","PCMU",\
"PCMU","","","cancelled","recv_cancel","90","",""
"""
FUSIONPBX_CALLS: Final[Calls] = {
    "x-1": {
        "status": "completed",
        "direction": "inbound",
        "from_number": "+14155550123",
        "to_number": "+14155550100",
        "created_at": "2026-08-22T08:00:00.000000Z",
        "answered_at": "2026-08-22T08:00:10.000000Z",
        "ended_at": "2026-08-22T08:00:52.000000Z",
        "duration_seconds": 42,
    },
    "x-2": {
        "status": "busy",
        "direction": "outbound",
        "from_number": "+14155550100",
        "to_number": "+14155550124",
        "created_at": "2026-08-22T08:10:00.000000Z",
        "answered_at": None,
        "ended_at": "2026-08-22T08:10:20.000000Z",
        "duration_seconds": 0,
    },
    "x-3": {"status": "canceled", "direction": None, "ended_at": "2026-08-22T08:20:09.000000Z"},
}
