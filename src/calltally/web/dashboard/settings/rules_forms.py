"""Forms of alert rules: save, and back-test without saving."""

import asyncio
from typing import Any, Final

from calltally.alerts.backtest.replay import Backtest
from calltally.alerts.backtest.run import BacktestRequest, run_backtests
from calltally.alerts.detection.factory import RateDetectorFactory
from calltally.alerts.evaluation.evaluator import rules_or_defaults
from calltally.alerts.model.rules import Rules
from calltally.calls.times import DAY_US
from calltally.store.alerts.detector_state import put_rules, rules_of_tenant
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.rendering import render_page
from calltally.web.dashboard.settings.page import settings_values
from calltally.web.dashboard.settings.rules_form import RULES_FORM, encoded_rules, rules_of_form
from calltally.web.dashboard.settings.settings_form import settings_form
from calltally.web.dashboard.settings.submitted_form import SubmittedForm
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.access import ALERTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

BACKTEST_DAYS: Final = 7
_MAX_S: Final = 20.0
_MAX_ALERTS: Final = 20


@settings_form(RULES_FORM, ALERTS_WRITE)
async def save_rules(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    """Store the rules of the form. Rules that it does not show stay as they are."""
    deps = dependencies_of(request)
    rules = rules_of_form(await deps.store.read(rules_of_tenant(visitor.tenant)), pairs)
    await deps.store.write(put_rules(visitor.tenant, encoded_rules(rules), deps.clock()))


@settings_form(f"{RULES_FORM}/backtest", ALERTS_WRITE)
async def backtest_rules(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Show the alerts of the last days with the rules of the form beside those of the stored rules."""
    stored = await dependencies_of(request).store.read(rules_of_tenant(visitor.tenant))
    rules = {
        text("backtest_stored"): rules_or_defaults(stored),
        text("backtest_typed"): rules_of_form(stored, pairs),
    }
    values = await settings_values(request, visitor, SubmittedForm(RULES_FORM, pairs))
    values["backtest"] = await _result(request, visitor, rules)
    return render_page("settings.html", visitor, values)


async def _result(request: AnyRequest, visitor: Visitor, rules: dict[str, Rules]) -> dict[str, Any]:
    deps = dependencies_of(request)
    to_us = deps.clock()
    wanted = BacktestRequest(visitor.tenant, to_us - BACKTEST_DAYS * DAY_US, to_us, rules, reads_steps=True)
    try:
        async with asyncio.timeout(_MAX_S):
            done = await run_backtests(deps.store, wanted, RateDetectorFactory())
    except TimeoutError:
        return {"sets": [], "fault": text("backtest_long", tenant=visitor.tenant)}
    return {"sets": [_rule_set(visitor, each) for each in done], "fault": ""}


def _rule_set(visitor: Visitor, done: Backtest) -> dict[str, Any]:
    return {
        "name": done.name,
        "count": len(done.episodes),
        "alerts": [(minute(each.found, visitor.zone), each.message) for each in done.episodes[:_MAX_ALERTS]],
    }
