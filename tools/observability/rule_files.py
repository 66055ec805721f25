"""Rules as files of Prometheus, and as sections of the how-to page."""

import re
from collections.abc import Iterator
from typing import Final

import yaml

from tools.observability.rules import RULES, Rule

# The service serves its documentation; replace the host by your own.
_PAGE: Final = "https://calls.example.com/docs/guide/how-to/watch-the-service"
_HEADER: Final = (
    "# Made by `python -m tools.observability`. `promtool check rules` and `promtool test rules` read it.\n"
)
_SECTIONS: Final = re.compile(r"(?<=\n## The alerts\n\n).*?(?=\n## |\Z)", re.DOTALL)


def rules_file() -> str:
    """Return the rules. Each links to its section of the how-to page."""
    return _yaml({"groups": [{"name": "calltally", "rules": [_rule(each) for each in RULES]}]})


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": rule.lasts,
        "labels": {"severity": rule.severity},
        "annotations": {"summary": rule.meaning, "runbook_url": f"{_PAGE}#{rule.name.lower()}"},
    }


def tests_file() -> str:
    """Return a test of each rule that must fire, and one that must not."""
    cases = [_case(rule, fires=fires) for rule in RULES for fires in (True, False)]
    return _yaml({"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": cases})


def _case(rule: Rule, *, fires: bool) -> dict[str, object]:
    # Firing alerts have the labels of the expression; promtool compares their number by this query.
    sample = f'count(ALERTS{{alertname="{rule.name}",alertstate="firing"}}) or vector(0)'
    return {
        "name": f"{rule.name} {'fires' if fires else 'is quiet'}",
        "interval": "1m",
        "input_series": [
            {"series": series, "values": values} for series, values in (rule.firing if fires else rule.quiet)
        ],
        "promql_expr_test": [
            {
                "expr": sample,
                "eval_time": f"{rule.test_minutes}m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }


def with_sections(page: str) -> str:
    """Return the how-to page with a section for each rule."""
    text, count = _SECTIONS.subn(lambda _: "\n".join(_sections()), page)
    if count != 1:
        message = "the page has no place for the alerts"
        raise ValueError(message)
    return text


def _sections() -> Iterator[str]:
    for rule in RULES:
        yield f"### {rule.name}\n\n*{rule.severity}.* {rule.meaning}\n\n{rule.advice}\n"


def _yaml(content: object) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return _HEADER + text
