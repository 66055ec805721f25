"""Alert rules: defaults of omitted fields, and errors that name the field."""

import pytest

from calltally.alerts.model.finding import AlertKind
from calltally.alerts.model.rules import Rules, read_rules, rules_as_values, rules_of
from calltally.alerts.model.series import TENANT, Dimension, Metric, SeriesKey
from calltally.calls.errors import InvalidInput

SUPPORT = SeriesKey(Dimension.ROUTE, "support")
TEXT = """
false_alarms_a_week = 0.5
metrics = ["failure_rate"]
tz = "America/Montreal"
holidays = [2026-12-25]

[floors]
ringing_hours = 0.5

[[campaigns]]
from = "2026-11-27"
to = "2026-11-28"
dimension = "route"
value = "support"

[[mutes]]
dimension = "route"
value = "support"
until = "2026-11-26T00:00:00Z"
"""
NOON_US = 1_795_608_000_000_000  # 2026-11-25T12:00:00Z


def test_empty_rules_are_the_defaults() -> None:
    assert read_rules("", is_toml=True) == Rules()
    assert read_rules("{}", is_toml=False).false_alarms_a_week == 1.0


def test_toml_and_its_values_give_the_same_rules() -> None:
    rules = read_rules(TEXT, is_toml=True)
    assert rules_of(rules_as_values(rules)) == rules
    assert (rules.metrics, rules.floors.ringing_hours) == ((Metric.FAILURE_RATE,), 0.5)
    assert (rules.campaigns[0].series, rules.campaigns[0].window_us[0]) == (SUPPORT, 1_795_737_600_000_000)


def test_mute_covers_its_series_until_its_end() -> None:
    rules = read_rules(TEXT, is_toml=True)
    assert rules.is_muted(SUPPORT, AlertKind.RATE, Metric.FAILURE_RATE, NOON_US)
    assert not rules.is_muted(TENANT, AlertKind.RATE, Metric.FAILURE_RATE, NOON_US)
    assert not rules.is_muted(SUPPORT, AlertKind.RATE, Metric.FAILURE_RATE, 2 * NOON_US)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("false_alarms = 1", "false_alarms"),
        ("false_alarms_a_week = 0", "false_alarms_a_week"),
        ("tz = 'Mars'", "Mars"),
        ("metrics = ['speed']", "speed"),
        ("= 1", "TOML"),
        ("[[campaigns]]\nfrom = '2026-01-02'\nto = '2026-01-01'", "end after its start"),
        ("[[campaigns]]\nfrom = 'soon'\nto = '2026-01-01'", "campaigns"),
        ("[[mutes]]\nuntil = 'then'", "mutes"),
    ],
)
def test_invalid_rules_name_the_field(text: str, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        read_rules(text, is_toml=True)


def test_invalid_json_is_reported() -> None:
    with pytest.raises(InvalidInput, match="not valid JSON"):
        read_rules("[", is_toml=False)
