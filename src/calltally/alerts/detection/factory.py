"""Factory of the rate detectors. It loads them, and numpy, when it makes the first one."""

from calltally.alerts.model.detector import OnlineDetector
from calltally.alerts.model.rules import Rules


class RateDetectorFactory:
    """Implementation of `evaluation.evaluator.DetectorFactory`.

    A service whose tenants have no calls, or whose worker runs elsewhere, makes no detector: it starts faster
    and uses 13 MB less. The first detector is made in a thread of the worker, so that no response waits.
    """

    def new(self, rules: Rules) -> OnlineDetector:
        """Return a detector that has learned nothing yet."""
        from calltally.alerts.detection.rate_detector import (
            RateDetector,
        )  # deferred: numpy takes 13 MB, answers need none

        return RateDetector.new(rules)

    def load(self, stored: bytes, rules: Rules) -> OnlineDetector:
        """Return a detector that continues from `stored`. Raises ValueError if the bytes are unreadable."""
        from calltally.alerts.detection.rate_detector import RateDetector  # deferred: the same

        return RateDetector.load(stored, rules)
