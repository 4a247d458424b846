"""The cases in rules/, as `gated test rules rules/` runs them: all pass, and every shipped rule is tested both ways."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from gated.model.verdict import Outcome
from gated.operations.trial.stand import Stand, put
from gated.rulebook.case import untested
from gated.rulebook.cases import CasesFile
from gated.rulebook.load_cases import find, load_cases
from gated.rulebook.schema import json_schema

RULES = Path(__file__).parents[2] / "rules"
FILES = find([RULES])
LOADED = load_cases(FILES)
CASES = {f"{Path(file.file).stem} {case.name}": case for file in LOADED.files for case in file.cases}


def test_the_files_of_cases_have_no_faults() -> None:
    assert LOADED.faults == ()
    assert len(CASES) >= 28


@pytest.mark.parametrize("name", CASES)
def test_a_shipped_case_passes_without_a_prometheus(name: str) -> None:
    tried = put(CASES[name], Stand.MEMORY, None)
    assert tried.trouble == ""
    assert tried.trial is not None
    assert [f"{failure.message} ({failure.sentence})" for failure in tried.trial.failures] == []


def test_every_shipped_rule_is_tested() -> None:
    assert untested(LOADED.files) == []


def test_every_shipped_rule_is_seen_to_speak_and_to_be_silent() -> None:
    """A case that only ever expects a breach would not notice a rule that always cries."""
    rules = {rule for file in LOADED.files for rule in file.rules}
    expected = [expectation for case in CASES.values() for expectation in case.expectations]
    silent = {each.rule for each in expected if each.outcome is Outcome.OK}
    speaking = {each.rule for each in expected if each.outcome is Outcome.BREACH} | {each.by for each in expected}
    assert rules - silent == set()
    assert rules - speaking == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_is_valid_by_the_published_schema(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), json_schema(CasesFile), cls=jsonschema.Draft202012Validator)
