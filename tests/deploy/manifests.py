"""The Kubernetes manifests as objects: as the files say, and as `kubectl kustomize` renders them."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = ("base", "overlays/dev")
KUBECTL = shutil.which("kubectl")

Object = Mapping[str, Any]


def written() -> list[tuple[Path, Object]]:
    """Every object of every file, but for the kustomizations and patches."""
    return [
        (path.relative_to(FOLDER), each)
        for path in sorted(FOLDER.rglob("*.yaml"))
        for each in yaml.safe_load_all(path.read_text("utf-8"))
        if isinstance(each, dict) and each["kind"] != "Kustomization"
    ]


def rendered(overlay: str) -> list[Object]:
    """What `kubectl apply -k` would send; needs `kubectl`, which works offline."""
    assert KUBECTL is not None
    output = subprocess.run([KUBECTL, "kustomize", str(FOLDER / overlay)], capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(output))


def objects(kind: str) -> Iterator[Object]:
    """The objects of one kind, as the files say."""
    return (each for _, each in written() if each["kind"] == kind)


def pods() -> dict[str, Object]:
    """Pod templates by `kind/name` of what makes the pods."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": each["spec"]["template"]
        for _, each in written()
        if each["kind"] in {"Deployment", "StatefulSet", "Job"}
    }


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """Who may open a connection to whom; `namespace:…` is a place outside ours."""

    source: str
    target: str
    port: int


def arrows(direction: str) -> set[Arrow]:
    """The arrows the policies draw, looked at from their targets (`ingress`) or from their sources (`egress`)."""
    drawn: set[Arrow] = set()
    for policy in objects("NetworkPolicy"):
        spec = policy["spec"]
        for own in selected(spec["podSelector"]):
            for rule in spec.get(direction, ()):
                ends = [end for peer in rule["from" if direction == "ingress" else "to"] for end in _peer(peer)]
                ports = [port["port"] for port in rule["ports"]]
                pairs = [(end, own) if direction == "ingress" else (own, end) for end in ends]
                drawn |= {Arrow(source, target, port) for source, target in pairs for port in ports}
    return drawn


def selected(selector: Object) -> list[str]:
    """The pods of ours that a selector means."""
    return [name for name, pod in pods().items() if _matches(selector, pod["metadata"]["labels"])]


def _peer(peer: Object) -> list[str]:
    if "namespaceSelector" in peer:
        return [f"namespace:{peer['namespaceSelector']['matchLabels']['kubernetes.io/metadata.name']}"]
    return selected(peer["podSelector"])


def _matches(selector: Object, labels: Mapping[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in expressions)
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )
