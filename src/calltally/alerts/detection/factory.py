"""Where the detectors of rates come from. They are loaded when the first one is made, with numpy."""

from calltally.alerts.model.detector import OnlineDetector
from calltally.alerts.model.rules import Rules


class RateDetectors:
    """See `alerts.judging.Detectors`, which this is.

    A service whose tenants have no calls, or whose worker runs elsewhere, never makes one: it starts in less
    time and holds 13 MB less. The first one is made in a thread of the worker, so that no answer waits.
    """

    def new(self, rules: Rules) -> OnlineDetector:
        """One that knows nothing yet."""
        from calltally.alerts.detection.rate_detector import (
            RateDetector,
        )  # deferred: numpy takes 13 MB, answers need none

        return RateDetector.new(rules)

    def restored(self, stored: bytes, rules: Rules) -> OnlineDetector:
        """One that goes on where `stored` was made. Raises ValueError where it cannot."""
        from calltally.alerts.detection.rate_detector import RateDetector  # deferred: the same

        return RateDetector.restored(stored, rules)
