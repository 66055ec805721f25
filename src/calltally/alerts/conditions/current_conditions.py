"""Current conditions other than rates: dead letters, wrong signatures, failing deliveries, stuck calls."""

from typing import Final

from calltally.alerts.conditions.callback_lag import late_callbacks
from calltally.alerts.conditions.duplicate_sids import CallIdentity, duplicate_sid_finding
from calltally.alerts.conditions.stuck_calls import StuckCalls, stuck_calls
from calltally.alerts.evaluation.evaluator import Conditions, rules_or_defaults
from calltally.alerts.evaluation.rate_messages import series_phrase, since_text
from calltally.alerts.model.finding import AlertFinding, AlertKind, condition_finding, counted_evidence
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import TENANT, Dimension, SeriesKey
from calltally.calls.alert_counts import STEP_S
from calltally.calls.events import Fact
from calltally.calls.identity import uuid_text
from calltally.calls.plurals import counted
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alerts.detector_state import rules_of_tenant
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.ledger.fact_queries import disputed_facts
from calltally.store.tenants.dead_letters import failures_since

# Older dead letters are already known to their operator.
_DEAD_LETTERS_US: Final = 7 * DAY_US
_SIGNATURE_WINDOW_S: Final = 1_800
# A few wrong signatures may be probing by strangers; many mean that a provider's callbacks are rejected.
_MIN_FAILURES: Final = 5
# An endpoint that fails for a moment is retried and needs no alert.
_FAILING_FOR_US: Final = 600 * SECOND_US
CONDITION_KINDS: Final = (
    AlertKind.DEAD_LETTERS,
    AlertKind.SIGNATURE_FAILURES,
    AlertKind.DELIVERY_FAILURES,
    AlertKind.MISSING_FINAL_STATE,
    AlertKind.DUPLICATE_SID,
    AlertKind.CALLBACK_LAG,
)


def current_conditions(tenant: str, now_us: int) -> StoreOperation[Conditions]:
    """Return the current conditions, without those that the tenant's rules exclude or mute."""
    rules = rules_or_defaults((yield from rules_of_tenant(tenant)))
    found = [
        *(yield from _dead_letters(tenant, now_us, rules.tz)),
        *(yield from _signatures(tenant, now_us)),
        *(yield from _deliveries(tenant, now_us, rules.tz)),
        *(yield from _stuck_calls(tenant, now_us, rules)),
        *(yield from _duplicate_sids(tenant, now_us)),
        *(yield from late_callbacks(tenant, now_us, rules.tz)),
    ]
    enabled = [
        each
        for each in found
        if each.kind in rules.kinds and not rules.is_muted(each.series, each.kind, None, now_us)
    ]
    return Conditions(CONDITION_KINDS, enabled)


def _dead_letters(tenant: str, now_us: int, tz: str) -> StoreOperation[list[AlertFinding]]:
    params = {"tenant": tenant, "since_us": now_us - _DEAD_LETTERS_US}
    rows = yield Statement("waiting_letters_since", params)
    return [
        condition_finding(
            AlertKind.DEAD_LETTERS,
            counted_evidence(SeriesKey(Dimension.PROVIDER, provider), oldest_us, now_us, waiting, waiting),
            f"Unread callbacks of {provider}: {waiting} since {since_text(oldest_us, now_us, tz)}; "
            "run `calltally dead-letters retry` after an upgrade that can read them",
        )
        for provider, waiting, oldest_us in rows
    ]


def providers_with_signature_failures(tenant: str, now_us: int) -> StoreOperation[frozenset[str]]:
    return frozenset(provider for provider, *_ in (yield from _failing_providers(tenant, now_us)))


def _failing_providers(tenant: str, now_us: int) -> StoreOperation[list[tuple[str, int, int]]]:
    since_s = now_us // SECOND_US - _SIGNATURE_WINDOW_S
    rows = yield from failures_since(tenant, since_s - since_s % STEP_S)
    return [row for row in rows if row[1] >= _MIN_FAILURES]


def _signatures(tenant: str, now_us: int) -> StoreOperation[list[AlertFinding]]:
    rows = yield from _failing_providers(tenant, now_us)
    return [
        condition_finding(
            AlertKind.SIGNATURE_FAILURES,
            counted_evidence(
                SeriesKey(Dimension.PROVIDER, provider), first_s * SECOND_US, now_us, failures, failures
            ),
            f"Wrong signatures on callbacks of {provider}: {failures} in the last half hour; "
            "compare the secret that is stored here with the provider's",
        )
        for provider, failures, first_s in rows
    ]


def _deliveries(tenant: str, now_us: int, tz: str) -> StoreOperation[list[AlertFinding]]:
    rows = yield Statement("failing_endpoints", {"tenant": tenant, "before_us": now_us - _FAILING_FOR_US})
    return [
        condition_finding(
            AlertKind.DELIVERY_FAILURES,
            counted_evidence(SeriesKey(Dimension.TENANT, uuid_text(endpoint)), since_us, now_us, 1, 1),
            f"Deliveries to the webhook endpoint {uuid_text(endpoint)} have failed since "
            f"{since_text(since_us, now_us, tz)}: {reason or 'no reason recorded'}",
        )
        for endpoint, since_us, reason in rows
    ]


def _stuck_calls(tenant: str, now_us: int, rules: Rules) -> StoreOperation[list[AlertFinding]]:
    if AlertKind.MISSING_FINAL_STATE not in rules.kinds:
        return []
    stuck = yield from stuck_calls(tenant, rules, now_us)
    return [_stuck_finding(each, now_us, rules.tz) for each in stuck]


def _stuck_finding(stuck: StuckCalls, now_us: int, tz: str) -> AlertFinding:
    since_us, count = min(call.created_us for call in stuck.calls), len(stuck.calls)
    filters = (("route", stuck.route), ("provider", stuck.provider))
    listed = {name: value for name, value in filters if value}
    series = next((SeriesKey(Dimension(name), value) for name, value in listed.items()), TENANT)
    listed["status"] = ",".join(sorted({call.status for call in stuck.calls}))
    minutes, since = stuck.limit_us // (60 * SECOND_US), since_text(since_us, now_us, tz)
    calls = counted(count, "call")
    return condition_finding(
        AlertKind.MISSING_FINAL_STATE,
        counted_evidence(series, since_us, now_us, count, count),
        f"No final state {series_phrase(series)}: {calls} open for longer than {minutes} min, since {since}",
        listed,
        (call.call_sid for call in stuck.calls),
    )


def _duplicate_sids(tenant: str, now_us: int) -> StoreOperation[list[AlertFinding]]:
    facts = yield from disputed_facts(tenant, now_us - DAY_US)
    found = duplicate_sid_finding(map(_call_identity, facts), now_us)
    return [] if found is None else [found]


def _call_identity(fact: Fact) -> CallIdentity:
    fields = fact.stated
    parties = (fields.get("direction"), fields.get("from_number"), fields.get("to_number"))
    return CallIdentity(fact.call_sid, fact.occurred_us, *parties)
