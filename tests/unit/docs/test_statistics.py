"""docs/statistics.md: its pictures can be seen by everybody, its numbers follow from the code, its commands exist."""

import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import asdict
from pathlib import Path

import click
import pytest

from deploy import measured
from deploy.pictures.drawing import Axis
from deploy.pictures.gallery import PICTURES
from gated.cli.main import main
from gated.judge.stats import health
from gated.model.evidence import Counts
from gated.model.plan import Plan
from gated.rulebook import strict_yaml
from gated.rulebook.load import assemble
from tests.bench.judge.verdicts import Rate

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "statistics.md").read_text()
PAGES = PAGE + (DOCS / "top.md").read_text()
LARGEST = 30_000


@pytest.fixture(scope="module", params=sorted(PICTURES))
def picture(request: pytest.FixtureRequest) -> tuple[str, str]:
    name: str = request.param
    return name, (DOCS / "pictures" / name).read_text()


def test_a_picture_is_small_and_complete_in_itself(picture: tuple[str, str]) -> None:
    """No script, font or image from elsewhere: it must show wherever the page does."""
    _, text = picture
    assert len(text.encode()) <= LARGEST
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in text


def test_a_picture_says_what_it_shows(picture: tuple[str, str]) -> None:
    name, text = picture
    root = ET.fromstring(text)  # noqa: S314 -- made by ourselves
    told = [root.findtext(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc")]
    assert all(told)
    assert re.search(rf"!\[[^\]]{{20,}}\]\(pictures/{re.escape(name)}\)", PAGES), "shown, with words instead of it"


def test_a_picture_is_drawn_inside_its_card(picture: tuple[str, str]) -> None:
    _, text = picture
    width, height = map(float, re.findall(r'viewBox="0 0 (\S+) (\S+)"', text)[0])
    points = [point.split(",") for line in re.findall(r'points="([^"]*)"', text) for point in line.split()]
    places = [*points, *re.findall(r'<text x="([^"]+)" y="([^"]+)"', text)]
    assert [at for at in places if not (0 < float(at[0]) < width and 0 < float(at[1]) < height)] == []


def test_every_picture_of_the_folder_is_drawn_by_us() -> None:
    assert {path.name for path in (DOCS / "pictures").glob("*.*")} == set(PICTURES)


def test_what_lies_beyond_an_axis_is_drawn_at_its_end() -> None:
    axis = Axis("odds", 0.1, 1000, {}, is_logarithmic=True)
    assert [axis.share(value) for value in (0, 0.1, 10, 1000, 1e9)] == pytest.approx([0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("share", "limit", "promised"),
    [
        pytest.param(0.0, 0.02, 200, id="nothing fails, 2 %"),
        pytest.param(0.0, 0.005, 800, id="nothing fails, 0.5 %"),
        pytest.param(0.0, 0.05, 80, id="nothing is slow, p95"),
        pytest.param(0.5, 0.02, 7 * 200, id="half the limit"),
        pytest.param(0.75, 0.02, 35 * 200, id="three quarters of it"),
    ],
)
def test_the_proof_of_health_takes_as_many_requests_as_the_page_says(
    share: float, limit: float, promised: float
) -> None:
    few = Counts(share * limit / 1e6, 1e-6)
    assert health.events_needed(limit, few, 1.0) == pytest.approx(promised, rel=0.05)


def test_the_waits_that_the_page_tells_are_those_it_shows() -> None:
    """An hour and a half, and nearly three hours."""
    assert re.findall(r"about (\dh\d)\d?m\S* more$", PAGE, re.MULTILINE) == ["1h3", "2h4"]


def test_the_page_shows_the_defaults_of_a_plan() -> None:
    defaults = {name: field.default for name, field in Plan.__dataclass_fields__.items()}
    promised = {
        "false_rollback_budget": 0.01,
        "history_seconds": 4 * 3600,
        "drift_floor": 0.1,
        "cold_start_seconds": 300,
    }
    assert {name: defaults[name] for name in promised} == promised


def test_an_example_of_a_rule_file_has_no_fault() -> None:
    examples = re.findall(r"^```yaml\n# (rules/(?:web|checkout)\.yaml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) == 2
    for name, text in examples:
        faults = [str(fault) for fault in assemble([strict_yaml.read(text.encode(), name)]).faults]
        assert [fault for fault in faults if "there is no plan in these files" not in fault] == []


def test_every_command_exists_with_its_options() -> None:
    text = "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("gated ")]
    assert len(lines) == 2
    for line in lines:
        _, name, *words = shlex.split(line)
        command = main.get_command(click.Context(main), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_every_linked_page_and_heading_exists() -> None:
    for path, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", PAGE):
        linked = (DOCS / path).resolve() if path else DOCS / "statistics.md"
        assert linked.exists(), path
        if heading:
            assert heading in {_anchor(title) for title in re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)}


def test_figures_are_taken_over_without_single_kinds_of_services() -> None:
    """And every row keeps how many releases it rests on."""
    for part, of in measured.judge().items():
        assert of["settings"]["runs"] > 0, part
        for row in of["rows"]:
            assert "cells" not in row
            counted = [row[key]["runs"] for key in ("mean", "worst", "missed") if key in row]
            assert counted or part == "wald"
            assert all(counted)


def test_taking_figures_over_keeps_what_the_page_shows() -> None:
    rate = asdict(Rate.of(1, 300))
    head = {"model": "independent", "judge": "gated", "effect": 1.0}
    harmless = {**head, "mean": rate, "worst": rate, "worst_cell": "1/s 2.00%", "cells": {"1/s 2.00%": rate}}
    times = {"since_seconds": 0.0, "seconds": None, "capped_seconds": 3600.0}
    found = {**head, **times, "early": 0, "missed": rate, "error": None, "cells": {}}
    parts = {
        "false_rollbacks": [harmless],
        "detections": [found, {**found, "judge": "GrowthBook"}],
        "wald": [{"judge": "gated", "effect": 2.0, "since_seconds": 0.0, "multiple": 1.23456}],
        "cold_starts": {"cooling 60 s": [harmless], "faults": [found]},
        "past": {"harmless": [harmless], "faults": [found]},
        "health": {"wrong": [harmless], "right": [found]},
    }
    taken = measured.condensed({part: {"settings": {"runs": 300}, "figures": of} for part, of in parts.items()})
    counted = {"hits": 1, "runs": 300, "percent": 0.33, "low": 0.01, "high": 1.84}
    assert taken["false_rollbacks"]["rows"] == [
        {"traffic": "independent", "judge": "gated", "effect": 1.0, "worst_cell": "1/s 2.00%"}
        | {"mean": counted, "worst": counted}
    ]
    assert [row["judge"] for row in taken["detections"]["rows"]] == ["gated"], "others are not shown"
    assert [row["cooling"] for row in taken["cold_starts"]["rows"]] == ["60 s"]
    assert taken["wald"]["rows"][0]["multiple"] == 1.23
    assert taken["proofs_wrong"]["settings"] == taken["past_faults"]["settings"] == {"runs": 300}


def _anchor(title: str) -> str:
    """A heading's anchor, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
