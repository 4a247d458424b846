"""The README's examples do what it says."""

import re
import shlex
from pathlib import Path

import click
import pytest

from gated.cli.main import main
from gated.daemon import settings
from gated.rulebook import load

README = Path(__file__).parents[3] / "README.md"


def marked_files() -> dict[str, str]:
    """The examples that are files, by their name."""
    found = re.findall(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    return dict(found)


def test_the_example_of_a_rule_file_has_no_fault(tmp_path: Path) -> None:
    rule_file = tmp_path / "checkout.yaml"
    rule_file.write_text(marked_files()["rules/checkout.yaml"])
    loaded = load.load([rule_file])
    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.rulebook is not None


def test_the_example_of_a_configuration_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "checkout.yaml").write_text(marked_files()["rules/checkout.yaml"])
    (tmp_path / "gated.yaml").write_text(marked_files()["gated.yaml"])
    loaded = settings.load(tmp_path / "gated.yaml")
    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.settings is not None
    assert loaded.settings.load_rules()[1] == ()


def commands() -> list[str]:
    """Every gated command line in the README's shell blocks."""
    blocks = re.findall(r"```(?:console|sh)\n(.*?)```", README.read_text(), re.DOTALL)
    text = "\n".join(blocks).replace("\\\n", " ")
    found = re.findall(r"gated (?:check|serve|release|stage|wait)\b[^|)\n#;]*", text)
    assert len(found) >= 6
    return found


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_exists_with_its_options(line: str) -> None:
    command: click.Command = main
    words = shlex.split(line)[1:]
    context = click.Context(command, info_name="gated")
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    options = [word for word in words if word.startswith("--")]
    assert set(options) <= known, line


def test_every_linked_page_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert [link for link in links if not (README.parent / link).exists()] == []
