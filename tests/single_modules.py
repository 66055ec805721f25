"""Single modules of vendors' SDKs, without the packages around them, which take seconds to load."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def load_alone(package: str, module: str) -> ModuleType:
    """Load `module` of a package from its file. It must import nothing of the same package."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / f"{module.replace('.', '/')}.py"
    spec = spec_from_file_location(f"{package}.{module}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded
