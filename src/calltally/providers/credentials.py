"""Which secrets a provider has, and whether those given are they."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Fault, InvalidInput, NotFound
from calltally.providers.registry import PROVIDERS

MAX_SECRET_CHARS: Final = 4096


def checked_secrets(provider: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """The secrets as given.

    Raises NotFound for an unknown provider, InvalidInput for secrets that are unknown, missing or empty.
    """
    if provider not in PROVIDERS:
        message = f"there is no provider {provider[:64]!r}; there are {', '.join(sorted(PROVIDERS))}"
        raise NotFound(message)
    names, needs = PROVIDERS[provider].secret_names, PROVIDERS[provider].needs
    faults = [
        Fault(name, f"{provider} has no secret {name[:64]!r}; it has {', '.join(names) or 'none'}")
        for name in given
        if name not in names
    ]
    faults += [
        Fault(name, f"{name} has to have 1 to {MAX_SECRET_CHARS} characters")
        for name in names
        if not 1 <= len(given.get(name, "-")) <= MAX_SECRET_CHARS
    ]
    if needs and not any(name in given for name in needs):
        one = " or ".join(needs)
        faults.append(Fault(needs[0], f"{one} is missing; {provider}'s callbacks are verified with it"))
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:5]), tuple(faults))
    return given
