"""Interface of a rate detector: it takes steps in order and returns findings."""

from typing import Protocol

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import Step


class OnlineDetector(Protocol):
    """Detector of all rates of one tenant.

    Feed it each step once, in order, when the step is over (a few seconds later, because facts are late). The
    next step's `at_us` reveals a gap, which is not judged. Series may come and go between steps. The same
    steps give the same findings, even if the state is stored and loaded between them.

    `detection.factory` makes the implementation:

        detector = RateDetectorFactory().new(rules)   # or .load(stored, rules)
        findings = detector.feed(step)
        stored = detector.dump()
    """

    def feed(self, step: Step) -> list[AlertFinding]:
        """Return the findings at the end of a step: began, continues (once an hour), worsened or recovered.

        One incident is one finding, of the coarsest series that explains the rest. Muted findings are left
        out. Raises ValueError if the step is not later than the last one.
        """

    def dump(self) -> bytes:
        """Return the state as bytes; with `load`, another worker continues from them."""

    @property
    def last_us(self) -> int | None:
        """Start of the last step."""

    def with_rules(self, rules: Rules) -> "OnlineDetector":
        """Return a detector with the same learned state under other rules."""
