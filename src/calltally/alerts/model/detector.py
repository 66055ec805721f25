"""What every detector of rates is to the one who runs it: fed steps in their order, it yields findings."""

from typing import Protocol

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import Step


class OnlineDetector(Protocol):
    """The state of all rates of one tenant.

    Feed it each step once, in order, when the step is over (a few seconds later, as facts are that late);
    a gap is told by the next step's `at_us`, and is not judged. Series may come and go between steps. The
    same steps give the same findings, however often the state was stored and read again between them.

    `alerts.rate_detectors` makes the one that is used:

        detector = RateDetectors().new(rules)         # or .restored(stored, rules)
        findings = detector.feed(step)
        stored = detector.stored()
    """

    def feed(self, step: Step) -> list[AlertFinding]:
        """What is news at the end of this step: what began, continues (once an hour) or recovered.

        One cause is one finding, of the coarsest series that explains the rest. What is muted is left out.
        Raises ValueError where the step is not later than the last one.
        """

    def stored(self) -> bytes:
        """The state as bytes: with `restored`, a worker goes on where another ended."""

    @property
    def last_us(self) -> int | None:
        """The begin of the last step that was fed."""

    def with_rules(self, rules: Rules) -> "OnlineDetector":
        """The same state under other rules: what was learned stays."""
