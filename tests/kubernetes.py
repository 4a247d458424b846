"""What the tests of the Helm chart and of the Kustomize manifests share: rendering by the real tools, and checking."""

import functools
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import yaml
from click.testing import CliRunner

from deploy.kubernetes import CHART
from deploy.local import binaries
from gated.cli.main import main

Object = dict[str, Any]
Values = Mapping[str, Any]

OLDEST, NEWEST = "1.25", "1.37"
"""The oldest Kubernetes the chart allows, and the newest whose schemas there are."""

CASES = {file.name.removesuffix("-values.yaml"): file for file in sorted((CHART / "ci").glob("*-values.yaml"))}


def values_of(case: str) -> dict[str, Any]:
    """A set of values from the chart's `ci` folder."""
    values: dict[str, Any] = yaml.safe_load(CASES[case].read_text())
    return values


def changed(case: str, **changes: Any) -> dict[str, Any]:
    """A set of values with some keys replaced: `store__sqlite__size="2Gi"`."""
    values = values_of(case)
    for key, value in changes.items():
        *path, last = key.split("__")
        place = values
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return values


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said."""

    code: int
    out: str
    told: str


def helm(*arguments: str, values: Values | None = None) -> Ran:
    """Run helm in a home of its own."""
    with tempfile.TemporaryDirectory() as home:
        given = Path(home, "values.yaml")
        given.write_text(yaml.safe_dump(dict(values or {})))
        own = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        return _run("helm", *arguments, "--values", str(given), environment=own)


def render(values: Values, *, release: str = "gated") -> list[Object]:
    """The objects that helm makes of the chart, its test included."""
    return objects(_rendered(json.dumps(values), release))


@functools.cache
def _rendered(values: str, release: str) -> str:
    ran = helm("template", release, str(CHART), "--namespace", "shop", values=json.loads(values))
    assert ran.code == 0, ran.told
    return ran.out


def refusal(values: Values) -> str:
    """What helm says of values that it must not take."""
    ran = helm("template", "gated", str(CHART), values=values)
    assert ran.code != 0, "these values were taken"
    return ran.told


def kustomize(folder: Path) -> list[Object]:
    """The objects of a folder with a kustomization."""
    ran = _run("kubectl", "kustomize", str(folder), environment={})
    assert ran.code == 0, ran.told
    return objects(ran.out)


def _run(name: str, *arguments: str, environment: Mapping[str, str]) -> Ran:
    program = binaries.find(name)
    done = subprocess.run(
        [str(program.path), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **program.environment, **environment},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def objects(text: str) -> list[Object]:
    """The objects of a stream of documents."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document]


def told_by_check(config: Path) -> list[str]:
    """What `gated check config` says, a line for each fault."""
    return CliRunner().invoke(main, ["check", "config", str(config)]).stdout.splitlines()


def one(found: Iterable[Object], kind: str, name: str | None = None) -> Object:
    """The one object of a kind, or of a kind and a name."""
    (match,) = (each for each in found if each["kind"] == kind and (name is None or each["metadata"]["name"] == name))
    return match


def kinds(found: Iterable[Object]) -> list[str]:
    """The kinds of objects, in order of their names."""
    return sorted(each["kind"] for each in found)


def pods(found: Iterable[Object]) -> list[Object]:
    """Every specification of a pod."""
    return [
        each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
        for each in found
        if each["kind"] in {"Deployment", "Job", "Pod"}
    ]


def containers(pod: Object) -> list[Object]:
    """All containers of a pod, those that prepare it included."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def files_of(found: Iterable[Object], volume: str) -> dict[str, str]:
    """The files that a volume of the Deployment holds, from the ConfigMap that it names."""
    found = list(found)
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    (source,) = (each for each in deployment["spec"]["template"]["spec"]["volumes"] if each["name"] == volume)
    data: dict[str, str] = one(found, "ConfigMap", source["configMap"]["name"])["data"]
    return data


def laid_out(found: Iterable[Object], folder: Path, secrets: Mapping[str, str]) -> Path:
    """The files of the pod as they would lie in it, below a folder instead of the root; gated.yaml names them there.

    Args:
        found: the rendered objects.
        folder: stands for the root.
        secrets: the content of each mounted file, by its path in the pod.

    Returns:
        gated.yaml.
    """
    found = list(found)
    for path, content in secrets.items():
        file = folder / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(0o440)
    (folder / "var/lib/gated").mkdir(parents=True)
    for volume in ("config", "rules"):
        # As the kubelet does it, so that all files change at once: links to a hidden folder of this revision.
        directory = folder / "etc/gated" / volume
        revision = directory / "..2026_01_01"
        revision.mkdir(parents=True)
        (directory / "..data").symlink_to(revision.name)
        for name, text in files_of(found, volume).items():
            here = text.replace("/etc/gated/", f"{folder}/etc/gated/").replace("/var/lib/", f"{folder}/var/lib/")
            (revision / name).write_text(here if volume == "config" else text)
            (directory / name).symlink_to(f"..data/{name}")
    return folder / "etc/gated/config/gated.yaml"


def assert_valid(each: Object, version: str) -> None:
    """Check an object against the schema of its kind; unknown keys are faults."""
    if each["apiVersion"].startswith("monitoring.coreos.com/"):
        jsonschema.validate(each, OPERATOR[each["kind"]])
    else:
        kubernetes_validate.validate(each, version, strict=True)


_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_DURATION = {"type": "string", "pattern": "^([0-9]+(ms|[smhdwy]))+$"}


def _strict(required: list[str], **properties: Any) -> Object:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_RELABELING = _strict(
    [],
    sourceLabels={"type": "array", "items": _TEXT},
    regex=_TEXT,
    targetLabel=_TEXT,
    replacement=_TEXT,
    action={"enum": ["replace", "keep", "drop", "labeldrop", "labelkeep", "labelmap"]},
)
_METADATA = _strict(["name"], name=_TEXT, namespace=_TEXT, labels=_TEXTS, annotations=_TEXTS)


def _of_operator(kind: str, spec: Object) -> Object:
    head = {"apiVersion": {"const": "monitoring.coreos.com/v1"}, "kind": {"const": kind}}
    return _strict(["apiVersion", "kind", "metadata", "spec"], **head, metadata=_METADATA, spec=spec)


OPERATOR = {
    "ServiceMonitor": _of_operator(
        "ServiceMonitor",
        _strict(
            ["selector", "endpoints"],
            selector=_strict(["matchLabels"], matchLabels=_TEXTS),
            endpoints={
                "type": "array",
                "minItems": 1,
                "items": _strict(
                    ["port"],
                    port=_TEXT,
                    path=_TEXT,
                    interval=_DURATION,
                    scrapeTimeout=_DURATION,
                    honorLabels={"type": "boolean"},
                    relabelings={"type": "array", "items": _RELABELING},
                    metricRelabelings={"type": "array", "items": _RELABELING},
                ),
            },
        ),
    ),
    "PrometheusRule": _of_operator(
        "PrometheusRule",
        _strict(
            ["groups"],
            groups={
                "type": "array",
                "minItems": 1,
                "items": _strict(
                    ["name", "rules"],
                    name={"type": "string", "minLength": 1},
                    interval=_DURATION,
                    limit={"type": "integer"},
                    labels=_TEXTS,
                    rules={
                        "type": "array",
                        "items": {
                            **_strict(
                                ["expr"],
                                alert=_TEXT,
                                record=_TEXT,
                                expr={"type": ["string", "integer"]},
                                labels=_TEXTS,
                                annotations=_TEXTS,
                                keep_firing_for=_DURATION,
                                **{"for": _DURATION},
                            ),
                            "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
                        },
                    },
                ),
            },
        ),
    ),
}
"""The part of the Prometheus operator's API that is used here, spelled out by hand: no package ships its CRDs."""
