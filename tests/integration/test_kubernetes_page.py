"""docs/kubernetes.md and the READMEs beside chart and manifests: what they show works."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from deploy.kubernetes import CHART, KUSTOMIZE, REPOSITORY
from gated.cli.main import main
from tests.kubernetes import NEWEST, OLDEST, assert_valid, changed, containers, helm, kustomize, objects, render

pytestmark = pytest.mark.filterwarnings("ignore:.*jsonschema.RefResolver.*:DeprecationWarning")

PAGE = (REPOSITORY / "docs/kubernetes.md").read_text()
PAGES = {"page": PAGE, "chart": (CHART / "README.md").read_text(), "manifests": (KUSTOMIZE / "README.md").read_text()}
FILES: dict[str, str] = dict(re.findall(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))


def commands(text: str) -> list[str]:
    """The lines of the consoles, with their continuations."""
    consoles = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in consoles.splitlines()]


def rule_file() -> str:
    """The README's first rule file, which step 4 hands to Helm."""
    (found,) = re.findall(
        r"<!-- file: rules/checkout.yaml -->\n```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL
    )
    return str(found)


@pytest.mark.parametrize("line", [line for text in PAGES.values() for line in commands(text) if "helm upgrade" in line])
def test_the_commands_that_install_are_ones_that_helm_takes(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/checkout.yaml").write_text(rule_file())
    (tmp_path / "values.yaml").write_text(FILES["values.yaml"])
    (tmp_path / "deploy").symlink_to(REPOSITORY / "deploy")
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)
    assert words[:3] == ["helm", "upgrade", "--install"]
    ran = helm("template", *(word for word in words[3:] if word != "--wait"))
    assert ran.code == 0, ran.told
    if "rules/checkout.yaml" in line:
        assert rule_file() in {text for each in objects(ran.out) for text in each.get("data", {}).values()}


@pytest.mark.parametrize("flags", [["--wait"], ["--create-namespace"], ["--rollback-on-failure", "--atomic"]])
def test_helm_knows_the_flags_that_are_named(flags: list[str]) -> None:
    """The last one changed its name with Helm 4."""
    known = helm("upgrade", "--help").out
    assert any(re.search(rf"\s{flag}\b", known) for flag in flags)
    assert [flag for flag in flags if flag not in PAGE] == []


@pytest.mark.parametrize("name", [name for name in FILES if name != "wait-job.yaml"])
def test_the_values_are_ones_that_the_chart_takes(name: str) -> None:
    given = yaml.safe_load(FILES[name])
    values = {**changed("default"), **given}
    values["config"] = {**changed("default")["config"], **given.get("config", {})}
    assert render(values)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_the_job_is_one_that_kubernetes_takes(version: str) -> None:
    job = yaml.safe_load(FILES["wait-job.yaml"])
    assert_valid(job, version)


def test_the_job_asks_in_words_that_gated_knows() -> None:
    (container,) = containers(yaml.safe_load(FILES["wait-job.yaml"])["spec"]["template"]["spec"])
    words = [*container["command"], *container["args"]]
    assert unknown_options(words) == []


@pytest.mark.parametrize(
    "line",
    [
        found
        for text in PAGES.values()
        for line in commands(text)
        for found in re.findall(r"gated (?:check|test|release|stage|wait) [^|)\n#;&]*", line)
        if "helm" not in line
    ],
)
def test_gated_knows_its_commands(line: str) -> None:
    assert unknown_options(shlex.split(line)) == []


def unknown_options(words: list[str]) -> list[str]:
    """The options of a command line that the command has not; a command that is none fails."""
    command: click.Command = main
    context = click.Context(command, info_name="gated")
    rest = words[1:]
    while isinstance(command, click.Group):
        found = command.get_command(context, rest.pop(0))
        assert found is not None, words
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    return [word for word in rest if word.startswith("--") and word not in known]


def test_the_overlay_of_the_manifests_readme_can_be_built(tmp_path: Path) -> None:
    ((overlay),) = re.findall(r"```yaml\n(.*?)```", PAGES["manifests"], re.DOTALL)
    (tmp_path / "gated").symlink_to(REPOSITORY)
    (tmp_path / "own/rules").mkdir(parents=True)
    (tmp_path / "own/rules/web.yaml").write_text(rule_file())
    (tmp_path / "own/gated.yaml").write_text((KUSTOMIZE / "base/config/gated.yaml").read_text())
    (tmp_path / "own/kustomization.yaml").write_text(overlay)
    made = kustomize(tmp_path / "own")
    assert [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in made if "replicas" in str(each)] == [
        "registry.example/gated:0.1.0"
    ]
