"""Bound of the totals that the dashboard counts at once; above it, a list says "More than 5,000 calls".

`scan` counts up to the bound, `browse` returns the lower bound, and `web/dashboard/calls/total.py` words it.
"""

from typing import Final

# The newest calls that are counted for a lower bound of a total, in less than a microsecond each.
MAX_COUNTED: Final = 5_000
