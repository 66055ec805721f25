"""Validation of the secrets that a tenant stores for a provider."""

from collections.abc import Mapping
from typing import Final

from calltally.calls.errors import Fault, InvalidInput, NotFound
from calltally.calls.suggestions import did_you_mean
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.signature import MAPPING
from calltally.providers.generic.toml_document import MAX_MAPPING_CHARS
from calltally.providers.registry import PROVIDERS, registered_name

MAX_SECRET_CHARS: Final = 4096
# A mapping is no secret, but it is stored with the secrets that it needs.
_MAX_CHARS: Final = {MAPPING: MAX_MAPPING_CHARS}


def validated_secrets(provider: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the secrets unchanged if they are valid.

    Raises NotFound for an unknown provider. Raises InvalidInput for unknown, missing or empty secrets, and
    for an invalid mapping.
    """
    registered = PROVIDERS.get(registered_name(provider))
    if registered is None:
        hint = did_you_mean(provider, PROVIDERS)
        message = f"there is no provider {provider[:64]!r}{hint}; there are {', '.join(sorted(PROVIDERS))}"
        raise NotFound(message)
    names, needs = registered.secret_names, registered.needs
    faults = [
        Fault(name, f"{provider} has no secret {name[:64]!r}; it has {', '.join(names) or 'none'}")
        for name in given
        if name not in names
    ]
    faults += [
        Fault(name, f"{name} must have 1 to {_max_chars(name)} characters")
        for name in names
        if not 1 <= len(given.get(name, "-")) <= _max_chars(name)
    ]
    if needs and not any(name in given for name in needs):
        alternatives = " or ".join(needs)
        faults.append(
            Fault(needs[0], f"{alternatives} is missing; {provider}'s callbacks are verified with it")
        )
    if faults:
        raise InvalidInput("; ".join(fault.detail for fault in faults[:5]), tuple(faults))
    if MAPPING in given and MAPPING in names:
        compile_mapping(given[MAPPING])
    return given


def _max_chars(name: str) -> int:
    return _MAX_CHARS.get(name, MAX_SECRET_CHARS)
