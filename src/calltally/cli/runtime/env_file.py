"""Variables of a file `.env` in the working folder, for the server's settings and the client's options."""

import os
from pathlib import Path
from typing import Final

from calltally.calls.errors import Misconfigured

_PREFIX: Final = "CALLTALLY_"
# They are settings of Calltally where the prefixed ones are unset.
_COMMON: Final = frozenset({"DATABASE_URL", "PORT"})
_FILE: Final = ".env"


def load_env_file(folder: Path) -> None:
    """Set the file's variables in the environment where they are unset or empty.

    Only CALLTALLY_*, DATABASE_URL and PORT count: others are of other programs. `${...}` is not replaced.
    Raises Misconfigured for a file that cannot be read.
    """
    path = folder / _FILE
    if not path.is_file():
        return
    from dotenv import dotenv_values  # deferred: it takes 20 ms, and most folders have no such file

    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as fault:
        message = f"{path} cannot be read ({fault}); make it readable UTF-8, or remove it"
        raise Misconfigured(message) from fault
    for name, value in values.items():
        if value and (name.startswith(_PREFIX) or name in _COMMON) and not os.environ.get(name):
            os.environ[name] = value
