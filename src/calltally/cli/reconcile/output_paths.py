"""Where `calltally reconcile` writes: never over what it reads."""

from pathlib import Path

from calltally.calls.errors import InvalidInput
from calltally.cli.reconcile.options import ReconcileOptions


def check_outputs(options: ReconcileOptions) -> None:
    """Raises InvalidInput for an output that is an input too, or the other output."""
    outputs = {name: path for name, path in (("csv", options.csv), ("html", options.html)) if path}
    inputs = [*map(Path, options.events or ()), *(options.provider_file or ())]
    for name, path in outputs.items():
        if any(_is_same(path, other) for other in inputs):
            raise InvalidInput.of(name, f"--{name} {path} is a file to read: it would be written over")
        if options.calls is not None and path.resolve().is_relative_to(options.calls.resolve()):
            raise InvalidInput.of(name, f"--{name} {path} is in the folder of the export; name another place")
    if len(outputs) > 1 and _is_same(*outputs.values()):
        raise InvalidInput.of("html", "--csv and --html are one file: one of them would be lost")


def _is_same(one: Path, other: Path) -> bool:
    """Terminals and other devices may be both."""
    if one.exists() and other.exists():
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()
