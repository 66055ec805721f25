"""Alert rules as a form: its values, and the rules that it sends."""

from typing import Any, Final

import msgspec

from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Rules, rules_as_values, rules_of
from calltally.alerts.model.series import Metric
from calltally.calls.errors import InvalidInput
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.settings.submitted_form import SubmittedForm
from calltally.web.request.query import Pairs

RULES_FORM: Final = "/settings/alert-rules"
# Stops of the slider: false alarms a week.
_STOPS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def rules_form_values(stored: bytes | None, submitted: SubmittedForm) -> dict[str, Any]:
    """Return the values of the form; a stored budget between two stops is a stop of its own."""
    rules = rules_or_defaults(stored)
    stops = sorted({*_STOPS, rules.false_alarms_a_week})
    at = submitted.value(RULES_FORM, "budget", str(stops.index(rules.false_alarms_a_week)))
    return {
        "stops": [f"{stop:g}" for stop in stops],
        "budget_at": at,
        "budget": f"{stops[int(at)]:g}" if at.isdecimal() and int(at) < len(stops) else "",
        "shown_rules": rules,
        "metrics": [metric.value for metric in Metric],
        "kinds": [kind.value for kind in AlertKind],
    }


def rules_of_form(stored: bytes | None, pairs: Pairs) -> Rules:
    """Return the stored rules with the values of the form. Raises InvalidInput, which names the field."""
    values = rules_as_values(rules_or_defaults(stored))
    least_calls = first_value(pairs, "least_calls")
    if not (least_calls.isascii() and least_calls.isdecimal()):
        raise InvalidInput.of("least_calls", "the fewest calls of an alert must be a whole number")
    values |= {
        "false_alarms_a_week": _budget(pairs),
        "least_calls": int(least_calls),
        "tz": first_value(pairs, "tz"),
        "metrics": [value for name, value in pairs if name == "metrics"],
        "kinds": [value for name, value in pairs if name == "kinds"],
    }
    return rules_of(values)


def _budget(pairs: Pairs) -> float:
    """Return the budget at the stop of the slider. The form sends its stops: others may change them."""
    try:
        return float(first_value(pairs, "stops").split(" ")[int(first_value(pairs, "budget"))])
    except (ValueError, IndexError) as fault:
        raise InvalidInput.of(
            "budget",
            "the number of false alarms is not a position of the slider; choose one of its positions",
        ) from fault


def encoded_rules(rules: Rules) -> bytes:
    return msgspec.json.encode(rules_as_values(rules))
