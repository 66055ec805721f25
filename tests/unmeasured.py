"""Processes that are killed run without coverage, and so do those that run what other tests cover.

One that is killed tells nothing of what it ran; killed while it writes it, it leaves half a file, which the
report then warns of. And to start with coverage takes half as long again: the documents alone start hundreds.
"""

import os
from collections.abc import Mapping


def unmeasured(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """That environment, this process's by default, without what makes coverage begin in a new process."""
    variables = os.environ if environment is None else environment
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}
