"""The examples of a deployment hold together, and what they run is what is tested."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from polku.layout import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def manifests(kind: str) -> list[dict[str, Any]]:
    every = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
    return [manifest for manifest in every if manifest["kind"] == kind]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in (*manifests("StatefulSet"), *manifests("Deployment"))]


def containers() -> list[dict[str, Any]]:
    return [container for pod in pods() for container in pod["containers"]]


def test_the_dockerfile_has_no_fault_that_a_linter_knows() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_an_image_is_made_by_the_step_that_sets_up_every_clone() -> None:
    """CI runs it in a clean clone before anything else: no step of the image goes untried."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    ci = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    steps = re.findall(r"^RUN (.*)$", DOCKERFILE, re.MULTILINE)
    assert steps == ["make .venv/ready"]
    assert re.search(r"^nightly: \.venv/ready", makefile, re.MULTILINE)
    assert re.findall(r"^make .*\bnightly\b", ci, re.MULTILINE)


def test_what_pods_run_is_installed_with_the_platform() -> None:
    commands = [container["args"] for container in containers() if "args" in container]
    commands.append(yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[0]))
    assert len(commands) == 3
    for program, *_ in commands:
        assert Path(sys.executable).with_name(program).is_file(), program


def test_secrets_are_files_and_reach_no_environment() -> None:
    for container in containers():
        assert all("value" in variable for variable in container.get("env", [])), "from a secret"
        assert "envFrom" not in container
        [secrets] = [m["mountPath"] for m in container["volumeMounts"] if m["name"] == "postgres"]
        assert f"PGSERVICEFILE={secrets}/{next(iter(manifests('Secret')[0]['stringData']))}" in DOCKERFILE
    services = manifests("Secret")[0]["stringData"]["pg_service.conf"]
    site = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    named = re.search(r"service=(\w+)$", site["storage"]["postgres"]["postgres_url"])
    assert named
    assert f"[{named[1]}]" in services


def test_pods_are_one_image_of_nobody_in_particular() -> None:
    assert len({container["image"] for container in containers()}) == 1
    user = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)
    assert {str(pod["securityContext"]["runAsUser"]) for pod in pods()} == set(user)
    assert all(pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"] for pod in pods())


def test_every_location_is_a_study_whose_port_only_dagster_reaches() -> None:
    [workspace] = manifests("ConfigMap")
    locations = [each["grpc_server"] for each in yaml.safe_load(workspace["data"]["workspace.yaml"])["load_from"]]
    studies = {
        manifest["metadata"]["name"]: variable["value"]
        for manifest in manifests("StatefulSet")
        for container in manifest["spec"]["template"]["spec"]["containers"]
        for variable in container["env"]
        if variable["name"] == "POLKU_STUDY"
    }
    assert {location["host"]: location["location_name"] for location in locations} == studies
    assert all((CHECKOUT / "studies" / f"{study}.toml").is_file() for study in studies.values())
    ports = {port["port"] for service in manifests("Service") for port in service["spec"]["ports"]}
    assert {location["port"] for location in locations} == ports
    [policy] = manifests("NetworkPolicy")
    [dagster] = manifests("Deployment")
    [rule] = policy["spec"]["ingress"]
    assert [each["podSelector"]["matchLabels"] for each in rule["from"]] == [dagster["spec"]["selector"]["matchLabels"]]
