"""The plain manifests, built by kubectl's own kustomize, and that they say what the chart says."""

import os
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

import pytest
import yaml

from deploy import kubernetes
from deploy.kubernetes import KUSTOMIZE
from tests.kubernetes import (
    NEWEST,
    OLDEST,
    Object,
    assert_valid,
    containers,
    files_of,
    kustomize,
    laid_out,
    one,
    render,
    told_by_check,
    values_of,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*jsonschema.RefResolver.*:DeprecationWarning")

MONITORED = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}, "dashboards": {"enabled": True}}
OF_HELM = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "app.kubernetes.io/component"}
"""Labels that say who made an object, or that the base has no use for."""


def base_with(tmp_path: Path, *components: str) -> list[Object]:
    """The base as an overlay would use it, with the image's tag and some components."""
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [_relative(KUSTOMIZE / "base", tmp_path)],
                "components": [_relative(KUSTOMIZE / "components" / name, tmp_path) for name in components],
                "images": [{"name": "gated", "newTag": "0.1.0"}],
                "namespace": "shop",
            }
        )
    )
    return kustomize(tmp_path)


def _relative(path: Path, start: Path) -> str:
    """Kustomize takes no absolute paths."""
    return os.path.relpath(path.resolve(), start.resolve())


def substance(found: Iterable[Object]) -> dict[tuple[str, str], Object]:
    """Objects without what each tool adds its own way: labels of origin, how changes restart, the order of volumes."""
    found = list(found)
    plain: dict[tuple[str, str], Object] = {}
    for each in found:
        if each["kind"] == "Pod":
            continue  # helm's own test
        metadata = {**each["metadata"], "name": _without_hash(each)}
        metadata["labels"] = _kept(metadata["labels"])
        metadata["annotations"] = _kept(metadata.get("annotations", {}))
        if each["kind"] == "Deployment":
            each["spec"]["template"]["metadata"] = {
                key: _kept(value) for key, value in each["spec"]["template"]["metadata"].items()
            }
            pod = each["spec"]["template"]["spec"]
            pod["volumes"].sort(key=itemgetter("name"))
            for container in containers(pod):
                container["volumeMounts"].sort(key=itemgetter("mountPath"))
            for volume in pod["volumes"]:
                if "configMap" in volume:
                    name = volume["configMap"]["name"]
                    volume["configMap"]["name"] = _without_hash(one(found, "ConfigMap", name))
        if list(each.get("data", {})) == ["gated.yaml"]:
            each["data"] = yaml.safe_load(each["data"]["gated.yaml"])
        plain[each["kind"], metadata["name"]] = {**each, "metadata": metadata}
    return plain


def _kept(labels: dict[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in labels.items()
        if key not in OF_HELM and not key.startswith("checksum/") and key != "helm.sh/resource-policy"
    }


def _without_hash(each: Object) -> str:
    name: str = each["metadata"]["name"]
    for stem in ("gated-config", "gated-rules"):
        if each["kind"] == "ConfigMap" and name.startswith(stem):
            return stem
    return name


def test_the_manifests_say_what_the_chart_says(tmp_path: Path) -> None:
    made = substance(base_with(tmp_path, "prometheus-operator", "grafana-dashboards"))
    assert made == substance(render({**values_of("default"), **MONITORED}))


def test_the_overlay_for_postgresql_says_what_the_chart_says() -> None:
    made = substance(kustomize(KUSTOMIZE / "overlays/postgres"))
    values = {**values_of("postgresql"), "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    values["image"] = {"repository": "registry.example/gated"}
    by_chart = substance(render(values))
    for each in [*made.values(), *by_chart.values()]:
        each["metadata"].pop("namespace")
    assert made == by_chart


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("folder", ["base", "overlays/postgres"])
def test_every_object_is_one_that_kubernetes_takes(folder: str, version: str) -> None:
    for each in kustomize(KUSTOMIZE / folder):
        assert_valid(each, version)


@pytest.mark.parametrize(
    ("folder", "secrets"),
    [("base", {}), ("overlays/postgres", {"/etc/gated/secrets/gated-postgresql/password": "correct horse"})],
)
def test_gated_takes_its_configuration_and_rules(folder: str, secrets: dict[str, str], tmp_path: Path) -> None:
    config = laid_out(kustomize(KUSTOMIZE / folder), tmp_path, secrets)
    (only,) = told_by_check(config)
    assert "warning: listen: gated has no authentication yet" in only


def test_other_rules_restart_the_gate(tmp_path: Path) -> None:
    """Kustomize puts a hash of the content into the name, which the Deployment then names."""
    base = kustomize(KUSTOMIZE / "base")
    (tmp_path / "own.yaml").write_text("version: 1\n")
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [_relative(KUSTOMIZE / "base", tmp_path)],
                "configMapGenerator": [{"name": "gated-rules", "behavior": "replace", "files": ["own.yaml"]}],
            }
        )
    )
    other = kustomize(tmp_path)
    assert files_of(other, "rules") == {"own.yaml": "version: 1\n"}
    assert one(base, "Deployment") != one(other, "Deployment")


def test_the_dashboards_are_there_for_grafanas_sidecar(tmp_path: Path) -> None:
    made = base_with(tmp_path, "grafana-dashboards")
    texts = {
        name: text
        for each in made
        if each["kind"] == "ConfigMap" and each["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in each["data"].items()
    }
    assert texts == {file.name: file.read_text() for file in kubernetes.dashboards()}
