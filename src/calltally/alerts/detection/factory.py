"""Interface of a rate detector, and the factory of the implementation."""

from typing import Protocol

from calltally.alerts.model.finding import AlertFinding
from calltally.alerts.model.rules import Rules
from calltally.alerts.model.series import Step


class OnlineDetector(Protocol):
    """Detector of all rates of one tenant.

    Feed it each step once, in order, when the step is over (a few seconds later, because facts are late). The
    next step's `at_us` reveals a gap, which is not judged. Series may come and go between steps. The same
    steps give the same findings, even if the state is stored and loaded between them.
    """

    def feed(self, step: Step) -> list[AlertFinding]:
        """Return the findings at the end of a step: began, continues (once an hour), worsened or recovered.

        One incident is one finding, of the coarsest series that explains the rest. Muted findings are left
        out. Raises ValueError if the step is not later than the last one.
        """

    def dump(self) -> bytes:
        """Return the state as bytes; with `load`, another worker continues from them."""


class DetectorFactory(Protocol):
    """Factory of rate detectors: new ones that have learned nothing, and stored ones."""

    def new(self, rules: Rules) -> OnlineDetector: ...

    def load(self, stored: bytes, rules: Rules) -> OnlineDetector:
        """Return a detector that continues from `stored`. Raises ValueError if the bytes are unreadable."""


class RateDetectorFactory:
    """Factory of `RateDetector`. It loads numpy when it makes the first one.

    A service whose tenants have no calls, or whose worker runs elsewhere, makes no detector: it starts faster
    and uses 13 MB less. The first detector is made in a thread of the worker, so that no response waits.
    """

    def new(self, rules: Rules) -> OnlineDetector:
        from calltally.alerts.detection.rate_detector import RateDetector  # deferred: numpy

        return RateDetector.new(rules)

    def load(self, stored: bytes, rules: Rules) -> OnlineDetector:
        from calltally.alerts.detection.rate_detector import RateDetector  # deferred: numpy

        return RateDetector.load(stored, rules)
