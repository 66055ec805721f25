"""What is so now, beside the rates: bodies that wait unread, callbacks that come late or wrongly signed."""

from typing import Final

import msgspec

from calltally.alerts.conditions.duplicate_sids import CallIdentity, duplicate_sid_finding
from calltally.alerts.conditions.late_callbacks import late_callbacks
from calltally.alerts.conditions.stuck_calls import StuckCalls, stuck_calls
from calltally.alerts.evaluation.evaluator import Conditions, rules_or_defaults
from calltally.alerts.evaluation.messages import series_phrase, since_text
from calltally.alerts.model.finding import (
    AlertFinding,
    AlertKind,
    ChangeDirection,
    FindingChange,
    FindingEvidence,
)
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import TENANT, Dimension, SeriesKey
from calltally.calls.alert_counts import STEP_S
from calltally.calls.events import Fact
from calltally.calls.identity import uuid_text
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.db.operation import Statement, Step
from calltally.store.ledger.contradicted_calls import disputed_facts
from calltally.store.tenants.signature_failures import failures_since

# How far back dead letters are news: who has lived with them for longer knows of them.
_LETTERS_US: Final = 7 * DAY_US
_SIGNATURES_S: Final = 1_800
# Somebody who tries the door is no news; a provider whose callbacks are all turned away is.
_FEWEST_FAILURES: Final = 5
# An endpoint that fails for a moment is tried again, and no news.
_DELIVERIES_US: Final = 600 * SECOND_US
_SIDS: Final = 20
CONDITION_KINDS: Final = (
    AlertKind.DEAD_LETTERS,
    AlertKind.SIGNATURE_FAILURES,
    AlertKind.DELIVERY_FAILURES,
    AlertKind.MISSING_FINAL_STATE,
    AlertKind.DUPLICATE_SID,
    AlertKind.CALLBACK_LAG,
)


def current_conditions(tenant: str, now_us: int) -> Step[Conditions]:
    """All that is so now; what a tenant's rules do not watch, or mute, is left out."""
    rules = rules_or_defaults((yield from rules_of_tenant(tenant)))
    found = [
        *(yield from _dead_letters(tenant, now_us, rules.tz)),
        *(yield from _signatures(tenant, now_us)),
        *(yield from _deliveries(tenant, now_us, rules.tz)),
        *(yield from _open_calls(tenant, now_us, rules)),
        *(yield from _duplicates(tenant, now_us)),
        *(yield from late_callbacks(tenant, now_us, rules.tz)),
    ]
    watched = [
        each
        for each in found
        if each.kind in rules.kinds and not rules.is_muted(each.series, each.kind, None, now_us)
    ]
    return Conditions(CONDITION_KINDS, watched)


def _dead_letters(tenant: str, now_us: int, tz: str) -> Step[list[AlertFinding]]:
    asked = {"tenant": tenant, "since_us": now_us - _LETTERS_US}
    rows = yield Statement("waiting_letters_since", asked)
    return [
        condition_finding(
            AlertKind.DEAD_LETTERS,
            (provider, waiting, oldest_us, now_us),
            f"Unread callbacks of {provider}: {waiting} since {since_text(oldest_us, now_us, tz)}; "
            "run `calltally replay` once this version understands them",
        )
        for provider, waiting, oldest_us in rows
    ]


def providers_with_signature_failures(tenant: str, now_us: int) -> Step[frozenset[str]]:
    """Whose callbacks are turned away for their signatures, so many of them that it is news."""
    return frozenset(provider for provider, *_ in (yield from _refused(tenant, now_us)))


def _refused(tenant: str, now_us: int) -> Step[list[tuple[str, int, int]]]:
    since_s = now_us // SECOND_US - _SIGNATURES_S
    rows = yield from failures_since(tenant, since_s - since_s % STEP_S)
    return [row for row in rows if row[1] >= _FEWEST_FAILURES]


def _signatures(tenant: str, now_us: int) -> Step[list[AlertFinding]]:
    rows = yield from _refused(tenant, now_us)
    return [
        condition_finding(
            AlertKind.SIGNATURE_FAILURES,
            (provider, failures, first_s * SECOND_US, now_us),
            f"Wrong signatures on callbacks of {provider}: {failures} in the last half hour; "
            "is the secret that is stored here still the provider's?",
        )
        for provider, failures, first_s in rows
    ]


def _deliveries(tenant: str, now_us: int, tz: str) -> Step[list[AlertFinding]]:
    rows = yield Statement("failing_endpoints", {"tenant": tenant, "before_us": now_us - _DELIVERIES_US})
    return [
        _of_tenant(
            AlertKind.DELIVERY_FAILURES,
            uuid_text(endpoint),
            (1, since_us, now_us),
            f"Deliveries to the webhook endpoint {uuid_text(endpoint)} fail since "
            f"{since_text(since_us, now_us, tz)}: {reason or 'it does not take them'}",
        )
        for endpoint, since_us, reason in rows
    ]


def _open_calls(tenant: str, now_us: int, rules: Rules) -> Step[list[AlertFinding]]:
    if AlertKind.MISSING_FINAL_STATE not in rules.kinds:
        return []
    stuck = yield from stuck_calls(tenant, rules, now_us)
    return [_open_finding(each, now_us, rules.tz) for each in stuck]


def _open_finding(stuck: StuckCalls, now_us: int, tz: str) -> AlertFinding:
    since_us = min(call.created_us for call in stuck.calls)
    series, count = _series_of(stuck), len(stuck.calls)
    minutes, since = stuck.limit_us // (60 * SECOND_US), since_text(since_us, now_us, tz)
    many = f"{count} calls" if count != 1 else "1 call"
    detail = (
        f"No final state {series_phrase(series)}: {many} open for longer than {minutes} min, since {since}"
    )
    named = (("route", stuck.route), ("provider", stuck.provider))
    listed = {name: value for name, value in named if value}
    listed["status"] = ",".join(sorted({call.status for call in stuck.calls}))
    evidence = FindingEvidence(series, None, since_us, now_us, count, count, float(count), 0.0, 0.0, 0.0)
    found = _found(AlertKind.MISSING_FINAL_STATE, series, evidence, detail)
    sids = tuple(call.call_sid for call in stuck.calls[:_SIDS])
    return msgspec.structs.replace(found, listed=listed, sids=sids)


def _duplicates(tenant: str, now_us: int) -> Step[list[AlertFinding]]:
    facts = yield from disputed_facts(tenant, now_us - DAY_US)
    found = duplicate_sid_finding(map(_telling, facts), now_us)
    return [] if found is None else [found]


def _telling(fact: Fact) -> CallIdentity:
    said = fact.said
    parties = (said.get("direction"), said.get("from_number"), said.get("to_number"))
    return CallIdentity(fact.call_sid, fact.occurred_us, *parties)


def _series_of(stuck: StuckCalls) -> SeriesKey:
    if stuck.route is not None:
        return SeriesKey(Dimension.ROUTE, stuck.route)
    return SeriesKey(Dimension.PROVIDER, stuck.provider) if stuck.provider else TENANT


def _of_tenant(kind: AlertKind, value: str, seen: tuple[int, int, int], detail: str) -> AlertFinding:
    count, since_us, now_us = seen
    series = SeriesKey(Dimension.TENANT, value)
    evidence = FindingEvidence(series, None, since_us, now_us, count, count, float(count), 0.0, 0.0, 0.0)
    return _found(kind, series, evidence, detail)


def condition_finding(kind: AlertKind, seen: tuple[str, int, int, int], detail: str) -> AlertFinding:
    """Something that is so: of a provider, how often, since when and now."""
    provider, count, since_us, now_us = seen
    series = SeriesKey(Dimension.PROVIDER, provider)
    evidence = FindingEvidence(series, None, since_us, now_us, count, count, float(count), 0.0, 0.0, 0.0)
    return _found(kind, series, evidence, detail)


def _found(kind: AlertKind, series: SeriesKey, evidence: FindingEvidence, detail: str) -> AlertFinding:
    return AlertFinding(
        kind=kind,
        change=FindingChange.BEGAN,
        series=series,
        metric=None,
        direction=ChangeDirection.UP,
        since_us=evidence.from_us,
        found_us=evidence.to_us,
        evidence=evidence,
        detail=detail,
        sureness=0.0,
        false_alarms_a_week=0.0,
        budget_a_week=0.0,
    )
