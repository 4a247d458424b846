"""The published JSON Schema agrees with what is read."""

from typing import Any

import jsonschema
import pytest
import yaml

from gated.rulebook.schema import json_schema
from tests.rule_text import GOOD, SEQUENTIAL, load_text, spoiled

SCHEMA = json_schema()


def as_editors_see_it(text: str) -> Any:
    """The file with the types that YAML tools guess."""
    return yaml.safe_load(text)


def is_accepted(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(as_editors_see_it(text))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", [pytest.param(GOOD, id="thresholds"), pytest.param(SEQUENTIAL, id="evidence")])
def test_a_good_file_is_accepted(text: str) -> None:
    jsonschema.validate(as_editors_see_it(text), SCHEMA, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("version: 1", "version: '1'", id="a version in quotes"),
        pytest.param("above: 2%", "above: 0.02", id="a share as a number"),
        pytest.param(
            "above: 2%\n    for: 5m", "above: 2.5 %\n    for: 1h30m", id="a share with a space, a long duration"
        ),
        pytest.param("above: 800ms", "above: 0.8", id="seconds as a number"),
        pytest.param("name: canary, ", "name: canary, warmup: 0, min_requests: 500, ", id="numbers of a stage"),
        pytest.param('service: "{service}"', 'service: {regex: "{service}"}', id="a pattern"),
        pytest.param("    below: 1", "    below: -1.5", id="a negative number"),
    ],
)
def test_other_spellings_are_accepted_by_both(old: str, new: str) -> None:
    assert load_text(spoiled(old, new)).errors == ()
    assert is_accepted(spoiled(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("version: 1", "version: 2", id="version"),
        pytest.param("total: http", "totl: http", id="unknown key"),
        pytest.param("    total: http_requests_total\n", "", id="missing key"),
        pytest.param("kind: value", "kind: canary", id="unknown kind"),
        pytest.param("above: 2%", "above: 2 percent", id="not a share"),
        pytest.param("above: 2%", "above: 2", id="a share above one"),
        pytest.param("above: 2%", "below: 2%", id="bad below"),
        pytest.param("above: 2%", "above: 2%\n    below: 1%", id="two limits of a ratio"),
        pytest.param("    below: 1\n", "    below: 1\n    above: 2\n", id="two limits of a value"),
        pytest.param("    below: 1\n", "", id="no limit"),
        pytest.param("above: 800ms", "above: 800 ms", id="not a duration"),
        pytest.param("quantile: 0.95", "quantile: 95", id="not a quantile"),
        pytest.param("match: '{", "match: 'ALERTS{", id="alerts by name"),
        pytest.param("https://gateway", "ftp://gateway", id="not http"),
        pytest.param("https://gateway", "https://me:pw@gateway", id="a password"),
        pytest.param("status: 204", "status: on", id="not a status"),
        pytest.param("failures: 2", "failures: 0", id="no failures"),
        pytest.param("for: 1m", "for: 1m\n    on_breach: rolback", id="unknown word"),
        pytest.param("traffic: 5%", "traffic: '5'", id="a share in quotes"),
        pytest.param("name: canary", "name: Canary", id="not a name"),
        pytest.param("  target-down:", "  Target_Down:", id="not a name of a rule"),
        pytest.param("{min: 15m, max: 30m}", "{min: 15m}", id="half a bake"),
        pytest.param('service: "{service}"', 'a-b: "{service}"', id="not a label"),
        pytest.param('service: "{service}"', "service: {service}", id="braces without quotes"),
    ],
)
def test_what_a_schema_can_refuse_is_refused_by_both(old: str, new: str) -> None:
    assert load_text(spoiled(old, new)).errors
    assert not is_accepted(spoiled(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("above: 2%", "above: 2%\n    test: sequential\n    scope: version", id="defaults, written"),
        pytest.param("above: 2%", "above: 2%\n    test: threshold\n    for: 5m\n    window: 5m", id="a threshold"),
        pytest.param(
            "above: 2%",
            "above: 2%\n    test: threshold\n    for: 5m\n    scope: service",
            id="a threshold of the service",
        ),
        pytest.param("worse_than_baseline: 10%", "worse_than_baseline: 1.5", id="a tolerance above one"),
        pytest.param("worse_than_baseline: 50%", "worse_than_baseline: 0", id="no tolerance"),
        pytest.param("    block: 5m\n", "", id="the usual block"),
        pytest.param("worse_than_baseline: 25%", "worse_than_baseline: 25%\n    for: 1m", id="a distribution with for"),
        pytest.param("min_samples: 100", "min_samples: 100\n    for: 1m", id="a burn rate with for"),
        pytest.param("factor: 14.4", "factor: 100", id="a whole factor"),
        pytest.param('version: "{baseline}"', 'version: {regex: "{baseline}-.*"}', id="a pattern for the baseline"),
        pytest.param("drift_floor: 10%", "drift_floor: 0", id="no floor"),
    ],
)
def test_other_spellings_of_evidence_are_accepted_by_both(old: str, new: str) -> None:
    assert load_text(spoiled(old, new, SEQUENTIAL)).errors == ()
    assert is_accepted(spoiled(old, new, SEQUENTIAL))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("above: 2%", "above: 2%\n    for: 5m", id="a sequential rule with for"),
        pytest.param("above: 2%", "above: 2%\n    window: 5m", id="a sequential rule with a window"),
        pytest.param("above: 2%", "above: 2%\n    min_samples: 50", id="a sequential rule with min_samples"),
        pytest.param("above: 2%", "above: 2%\n    scope: service", id="a sequential rule of the service"),
        pytest.param("above: 2%", "above: 2%\n    worse_than_baseline: 10%", id="two limits of a ratio"),
        pytest.param("above: 2%", "above: 2%\n    test: both", id="unknown test"),
        pytest.param(
            "worse_than_baseline: 10%", "worse_than_baseline: 10%\n    test: threshold", id="a threshold that compares"
        ),
        pytest.param(
            "worse_than_baseline: 50%", "above: 1s\n    worse_than_baseline: 50%", id="two limits of a quantile"
        ),
        pytest.param("    worse_than_baseline: 50%\n", "", id="no limit of a quantile"),
        pytest.param("worse_than_baseline: 10%", "worse_than_baseline: 10", id="tenfold"),
        pytest.param("block: 5m", "for: 5m", id="activity with for"),
        pytest.param("worse_than_baseline: 100%", "above: 5%", id="activity with a fixed limit"),
        pytest.param("worse_than_baseline: 25%", "worse_than_baseline: 25%\n    effect: 0.5", id="effect below one"),
        pytest.param("worse_than_baseline: 25%", "worse_than_baseline: 25%\n    scope: service", id="not of a version"),
        pytest.param("factor: 14.4", "factor: 0", id="no factor"),
        pytest.param("{long: 1h, ", "{", id="half a pair of windows"),
        pytest.param("false_rollback_budget: 1%", "false_rollback_budget: 0.5", id="a budget of crying wolf"),
        pytest.param("baseline: before", "baseline: after", id="unknown baseline"),
        pytest.param("on_inconclusive: hold", "on_inconclusive: rollback", id="unknown action"),
        pytest.param('baseline: {service: "{service}", version: "{baseline}"}', "baseline: {}", id="no labels"),
    ],
)
def test_what_a_schema_can_refuse_of_evidence_is_refused_by_both(old: str, new: str) -> None:
    assert load_text(spoiled(old, new, SEQUENTIAL)).errors
    assert not is_accepted(spoiled(old, new, SEQUENTIAL))


def test_every_key_says_what_it_is_for() -> None:
    entries = [SCHEMA, *SCHEMA["$defs"].values()]
    silent = [
        f"{entry['title']}.{key}"
        for entry in entries
        for key, field in entry["properties"].items()
        if not field.get("description") and "$ref" not in field
    ]
    assert silent == []
