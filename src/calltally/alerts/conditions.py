"""What is so now or is not, without statistics: bodies that wait unread, callbacks with a wrong signature."""

from typing import Final

from calltally.alerts.findings import Change, Direction, Evidence, Finding, Kind
from calltally.alerts.judging import Conditions, rules_for
from calltally.alerts.series import Dimension, SeriesKey
from calltally.alerts.wording import since_text
from calltally.calls.five_minutes import STEP_S
from calltally.calls.times import DAY_US, SECOND_US
from calltally.store.alert_states import rules_of_tenant
from calltally.store.signature_failures import failures_since
from calltally.store.steps import Statement, Step

# How far back dead letters are news: who has lived with them for longer knows of them.
_LETTERS_US: Final = 7 * DAY_US
_SIGNATURES_S: Final = 1_800
# Somebody who tries the door is no news; a provider whose callbacks are all turned away is.
_FEWEST_FAILURES: Final = 5
KINDS: Final = (Kind.DEAD_LETTERS, Kind.SIGNATURE_FAILURES)


def conditions_of(tenant: str, now_us: int) -> Step[Conditions]:
    """All that is so now; what a tenant's rules do not watch, or mute, is left out."""
    rules = rules_for((yield from rules_of_tenant(tenant)))
    found = [*(yield from _dead_letters(tenant, now_us, rules.tz)), *(yield from _signatures(tenant, now_us))]
    watched = [
        each
        for each in found
        if each.kind in rules.kinds and not rules.is_muted(each.series, each.kind, None, now_us)
    ]
    return Conditions(KINDS, watched)


def _dead_letters(tenant: str, now_us: int, tz: str) -> Step[list[Finding]]:
    asked = {"tenant": tenant, "since_us": now_us - _LETTERS_US}
    rows = yield Statement("waiting_letters_since", asked)
    return [
        condition(
            Kind.DEAD_LETTERS,
            (provider, waiting, oldest_us, now_us),
            f"Unread callbacks of {provider}: {waiting} since {since_text(oldest_us, now_us, tz)}; "
            "run `calltally replay` once this version understands them",
        )
        for provider, waiting, oldest_us in rows
    ]


def _signatures(tenant: str, now_us: int) -> Step[list[Finding]]:
    since_s = now_us // SECOND_US - _SIGNATURES_S
    rows = yield from failures_since(tenant, since_s - since_s % STEP_S)
    return [
        condition(
            Kind.SIGNATURE_FAILURES,
            (provider, failures, first_s * SECOND_US, now_us),
            f"Wrong signatures on callbacks of {provider}: {failures} in the last half hour; "
            "is the secret that is stored here still the provider's?",
        )
        for provider, failures, first_s in rows
        if failures >= _FEWEST_FAILURES
    ]


def condition(kind: Kind, seen: tuple[str, int, int, int], detail: str) -> Finding:
    """Something that is so: of a provider, how often, since when and now."""
    provider, count, since_us, now_us = seen
    series = SeriesKey(Dimension.PROVIDER, provider)
    evidence = Evidence(series, None, since_us, now_us, count, count, float(count), 0.0, 0.0, 0.0)
    return Finding(
        kind=kind,
        change=Change.BEGAN,
        series=series,
        metric=None,
        direction=Direction.UP,
        since_us=since_us,
        found_us=now_us,
        evidence=evidence,
        detail=detail,
        sureness=0.0,
        false_alarms_a_week=0.0,
        budget_a_week=0.0,
    )
