"""Runs what is to be shown one by one, and sums up in one closing line."""

from collections.abc import Callable, Mapping

from interop.service import Failed

# Shows one thing: returns the figures to print, or raises Failed.
Check = Callable[[], str]


def run_checks(checks: Mapping[str, Check]) -> int:
    """Run every check, also after one that failed. Returns the exit status."""
    failed = 0
    for name, check in checks.items():
        try:
            print(f"  {name}: {check()}")
        except Failed as fault:
            failed += 1
            print(f"  {name}: FAILED: {fault}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def expect(what: str, found: object, wanted: object) -> None:
    """Raise Failed, with both, unless they are equal."""
    if found != wanted:
        raise Failed(f"{what}: found {found!r}, wanted {wanted!r}")
