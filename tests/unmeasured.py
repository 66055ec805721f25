"""Processes that are killed run without coverage.

They tell nothing of what they ran; one that is killed while it writes it leaves half a file, which the report
then warns of; and to start with coverage takes half as long again.
"""

import os
from collections.abc import Mapping


def unmeasured(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """That environment, this process's by default, without what makes coverage begin in a new process."""
    variables = os.environ if environment is None else environment
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}
