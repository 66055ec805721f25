"""Check of the output paths of `calltally reconcile` against its inputs."""

from pathlib import Path

from calltally.calls.errors import InvalidInput
from calltally.cli.reconcile.options import ReconcileOptions


def check_outputs(options: ReconcileOptions) -> None:
    """Raise InvalidInput for an output that is also an input or the other output."""
    outputs = {name: path for name, path in (("csv", options.csv), ("html", options.html)) if path}
    inputs = [*map(Path, options.events or ()), *(options.provider_file or ())]
    for name, path in outputs.items():
        if any(_is_same(path, other) for other in inputs):
            raise InvalidInput.of(
                name, f"--{name} {path} is an input file and would be overwritten; choose another file"
            )
        if options.calls is not None and path.resolve().is_relative_to(options.calls.resolve()):
            raise InvalidInput.of(
                name, f"--{name} {path} is in the folder of the export; choose another folder"
            )
    if len(outputs) > 1 and _is_same(*outputs.values()):
        raise InvalidInput.of("html", "--csv and --html are the same file; choose two files")


def _is_same(one: Path, other: Path) -> bool:
    """Decide whether two paths are the same file; devices such as terminals may be used twice."""
    if one.exists() and other.exists():
        return one.is_file() and one.samefile(other)
    return one.resolve() == other.resolve()
