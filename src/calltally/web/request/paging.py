"""Parameters of lists with limit and offset."""

from calltally.calls.filters import MAX_OFFSET
from calltally.calls.parameters import Parameter, range_schema, whole_number


def page_parameters(what: str, *, most: int, default: int) -> tuple[Parameter, Parameter]:
    """Return the parameters `limit` (1 to `most`) and `offset` of a list of `what`."""
    limits, offsets = range_schema(1, most, default), range_schema(0, MAX_OFFSET, 0)
    return (
        Parameter(
            "limit", "limit", f"The most {what} to return.", limits, str(default), whole_number(1, most)
        ),
        Parameter("offset", "offset", f"How many {what} to skip.", offsets, "0", whole_number(0, MAX_OFFSET)),
    )
