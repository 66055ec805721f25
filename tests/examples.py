"""Number of examples of a property: few in each run, ten times as many in `make test-long`."""

from typing import Final

from hypothesis import HealthCheck, settings

QUICK: Final = 20
LONG: Final = 200


def register_profiles() -> None:
    """Register both profiles and load the quick one; `--hypothesis-profile=long` loads the other."""
    for name, count in {"quick": QUICK, "long": LONG}.items():
        # No example is timed: on a shared machine one may take as long as it likes.
        settings.register_profile(
            name, max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
    settings.load_profile("quick")


def examples(quick: int) -> int:
    """Scale a count of the quick run to the current profile."""
    return quick * settings.default.max_examples // QUICK if settings.default else quick
