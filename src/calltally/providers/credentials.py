"""Which secrets a provider has, and whether those given are they."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Fault, InvalidInput, NotFound
from calltally.providers.generic.compiling import compile_mapping
from calltally.providers.generic.reading_toml import MAX_MAPPING_CHARS
from calltally.providers.generic.signature import MAPPING
from calltally.providers.registry import PROVIDERS, registered_name

MAX_SECRET_CHARS: Final = 4096
# A mapping is no secret, but is stored beside those that it is used with.
_MOST_CHARS: Final = {MAPPING: MAX_MAPPING_CHARS}


def checked_secrets(provider: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """The secrets as given.

    Raises NotFound for an unknown provider, InvalidInput for secrets that are unknown, missing or empty, and
    for a mapping that is not good.
    """
    registered = PROVIDERS.get(registered_name(provider))
    if registered is None:
        message = f"there is no provider {provider[:64]!r}; there are {', '.join(sorted(PROVIDERS))}"
        raise NotFound(message)
    names, needs = registered.secret_names, registered.needs
    faults = [
        Fault(name, f"{provider} has no secret {name[:64]!r}; it has {', '.join(names) or 'none'}")
        for name in given
        if name not in names
    ]
    faults += [
        Fault(name, f"{name} has to have 1 to {_most_chars(name)} characters")
        for name in names
        if not 1 <= len(given.get(name, "-")) <= _most_chars(name)
    ]
    if needs and not any(name in given for name in needs):
        one = " or ".join(needs)
        faults.append(Fault(needs[0], f"{one} is missing; {provider}'s callbacks are verified with it"))
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:5]), tuple(faults))
    if MAPPING in given and MAPPING in names:
        compile_mapping(given[MAPPING])
    return given


def _most_chars(name: str) -> int:
    return _MOST_CHARS.get(name, MAX_SECRET_CHARS)
