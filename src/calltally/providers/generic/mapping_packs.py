"""Mapping packs: mappings of well-known providers that ship with Calltally, by name."""

from importlib.resources import files
from typing import Final

_SUFFIX: Final = ".toml"


def pack_names() -> list[str]:
    """Return the names of all packs, sorted."""
    listed = [entry.name for entry in files(__package__).joinpath("packs").iterdir()]
    return sorted(name.removesuffix(_SUFFIX) for name in listed if name.endswith(_SUFFIX))


def pack_text(name: str) -> str:
    """Return the mapping of a pack as TOML. Raises KeyError for an unknown name."""
    if name not in pack_names():
        raise KeyError(name)
    return files(__package__).joinpath("packs", name + _SUFFIX).read_text(encoding="utf-8")


def pack_title(name: str) -> str:
    """Return the title of a pack: the first comment of its mapping."""
    return pack_text(name).partition("\n")[0].removeprefix("#").strip()
