"""Manifests of deploy/kubernetes, rendered by kubectl, against its schemas and rules of our own."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, Final

import kubernetes_validate
import yaml

from interop.checks import Check, expect, run_checks
from interop.service import Failed

FOLDER: Final = Path(__file__).parents[2] / "deploy/kubernetes"
# The oldest has `preStop.sleep` on by default; the newest is that of the schemas.
VERSIONS: Final = ("1.30", "1.33", kubernetes_validate.latest_version())
_POD: Final = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_CONTAINER: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}

Manifest = dict[str, Any]


def rendered() -> Sequence[Manifest]:
    """Return the manifests as kubectl would apply them, with the secrets of the example."""
    with TemporaryDirectory() as name:
        folder = Path(name, "kubernetes")
        copytree(FOLDER, folder)
        (folder / "secrets.env.example").rename(folder / "secrets.env")
        command = ["kubectl", "kustomize", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"kubectl kustomize ended with {done.returncode}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def _is_valid(manifests: Sequence[Manifest], version: str) -> str:
    for manifest in manifests:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as fault:
            raise Failed(f"{_name(manifest)}: {fault}") from fault
    return f"{len(manifests)} manifests"


def _name(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def _pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    for manifest in manifests:
        if "template" in manifest.get("spec", {}):
            yield _name(manifest), manifest["spec"]["template"]


def _has_no_rights(manifests: Sequence[Manifest]) -> str:
    names = []
    for name, template in _pods(manifests):
        pod = template["spec"]
        expect(f"{name}: the pod", pod["securityContext"], _POD)
        expect(f"{name}: its token", pod["automountServiceAccountToken"], wanted=False)
        for container in pod["containers"]:
            expect(f"{name}: the container", container["securityContext"], _CONTAINER)
            expect(f"{name}: limits of memory", "memory" in container["resources"]["limits"], wanted=True)
        names.append(name)
    return ", ".join(names)


def _is_available(manifests: Sequence[Manifest]) -> str:
    """Compare the labels by which service and budget find the pods, and the paths of the probes."""
    by_name = {_name(each): each for each in manifests}
    serve = by_name["Deployment serve"]["spec"]
    labels = serve["template"]["metadata"]["labels"]
    expect("the service", by_name["Service calltally"]["spec"]["selector"], labels)
    budget = by_name["PodDisruptionBudget serve"]["spec"]
    expect("the budget", budget["selector"]["matchLabels"], labels)
    if budget["minAvailable"] >= serve["replicas"]:
        raise Failed("the budget lets no pod go")
    (container,) = serve["template"]["spec"]["containers"]
    probes = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    expect("the probes", probes, ["/healthz", "/healthz", "/readyz"])
    return f"{budget['minAvailable']} of {serve['replicas']} stays"


def main() -> int:
    """Returns the exit status."""
    manifests = rendered()
    checks: dict[str, Check] = {
        f"schemas of {version}": partial(_is_valid, manifests, version) for version in VERSIONS
    }
    checks["no rights"] = partial(_has_no_rights, manifests)
    checks["availability"] = partial(_is_available, manifests)
    return run_checks(checks)


if __name__ == "__main__":
    sys.exit(main())
