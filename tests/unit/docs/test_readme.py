"""The README's examples of files fit together; its commands are checked with those of all pages."""

import re
from pathlib import Path

from gated.daemon import settings
from gated.rulebook import load
from tests import documents

README = documents.REPOSITORY / "README.md"


def test_the_example_of_a_rule_file_has_no_fault(tmp_path: Path) -> None:
    rule_file = tmp_path / "checkout.yaml"
    rule_file.write_text(documents.files(README)["rules/checkout.yaml"])
    loaded = load.load([rule_file])
    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.rulebook is not None


def test_the_example_of_a_configuration_has_no_fault(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "checkout.yaml").write_text(documents.files(README)["rules/checkout.yaml"])
    (tmp_path / "gated.yaml").write_text(documents.files(README)["gated.yaml"])
    loaded = settings.load(tmp_path / "gated.yaml")
    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.settings is not None
    assert loaded.settings.load_rules()[1] == ()


def test_every_linked_page_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert [link for link in links if not (README.parent / link).exists()] == []
