"""Past rollouts as people write them down."""

from pathlib import Path

import pytest

from gated.operations.replay.instants import parse_instant
from gated.operations.replay.releases_file import Loaded, load
from tests.unit.operations.replay.rehearsing import CANARY, FULL, HOUR, INTERVAL, NOON, policy

GOOD = """\
version: 1
releases:
  - service: checkout
    version: v2
    baseline: v1
    plan: standard
    stages:
      - {name: canary-5, started: 2025-11-06T12:00:00Z, promoted: 2025-11-06T12:09:30Z}
      - {name: full, started: 2025-11-06T12:10:00Z}
    onset: 2025-11-06T12:12:30+00:00
"""


def loaded(path: Path, text: str, now: float = NOON + 24 * HOUR) -> Loaded:
    file = path / "releases.yaml"
    file.write_text(text)
    judged_by = policy()
    return load(file, {judged_by.plan.name: judged_by}, INTERVAL, now)


def test_a_good_file_says_what_happened_when(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD)
    assert found.faults == ()
    (told,) = found.rehearsals
    assert (told.service, told.environment, told.version, told.baseline) == ("checkout", "production", "v2", "v1")
    assert told.opened_at == NOON
    assert [(each.name, each.started_at - NOON, each.promoted_at) for each in told.stages] == [
        (CANARY, 0.0, NOON + 570),
        (FULL, 600.0, None),
    ]
    assert told.onset_at == NOON + 750
    assert told.ends_at == NOON + 600 + 600 + INTERVAL, "the second stage's longest bake, and a look"


def test_nothing_is_looked_for_in_the_future(tmp_path: Path) -> None:
    (told,) = loaded(tmp_path, GOOD, now=NOON + 700).rehearsals
    assert told.ends_at == NOON + 700


def test_how_far_to_look_can_be_told(tmp_path: Path) -> None:
    (told,) = loaded(tmp_path, f"{GOOD}    until: 2025-11-06T12:30Z\n").rehearsals
    assert told.ends_at == NOON + 1800


def test_nothing_is_learned_from_the_time_of_a_release_with_a_fault(tmp_path: Path) -> None:
    second = GOOD.split("releases:\n")[1].replace("v2", "v3").replace("12:", "14:").replace("onset", "until")
    faulty, later = loaded(tmp_path, GOOD + second).rehearsals
    assert later.tainted == ((faulty.opened_at, faulty.ends_at),)
    assert faulty.tainted == ()


FAULTS = {
    "a plan that there is not": ("plan: standard", "plan: standart", "6:11: releases[0].plan: there is no plan"),
    "a stage that is not due": ("canary-5", "full", "8:16: releases[0].stages[0].name: canary-5 is due here"),
    "more stages than the plan has": (
        "    onset",
        "      - {name: extra, started: 2025-11-06T12:20Z}\n    onset",
        "10:16: releases[0].stages[2].name: the plan has no more",
    ),
    "stages in the wrong order": ("T12:10:00Z", "T12:05:00Z", "9:31: releases[0].stages[1].started: before the end"),
    "a promote before the start": ("T12:09:30Z", "T11:00:00Z", "promoted: before it started"),
    "a time without a time zone": ("T12:10:00Z", "T12:10:00", "started: '2025-11-06T12:10:00' is not an instant"),
    "a time in the future": ("2025-11-06T12:10:00Z", "2125-11-06T12:10:00Z", "started: in the future"),
    "an unknown key": ("    onset", "    onsett", "releases[0].onsett: unknown key (did you mean onset?)"),
    "a missing key": ("    version: v2\n", "", "version is missing"),
    "an end before the start": ("onset: 2025-11-06T12:12:30+00:00", "until: 2025-11-06T11:00Z", "until: not after"),
    "a name that would change a query": ("service: checkout", "service: 'a\"b'", "is not a name"),
}


@pytest.mark.parametrize(("good", "bad", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_has_its_place(tmp_path: Path, good: str, bad: str, expected: str) -> None:
    assert good in GOOD
    found = loaded(tmp_path, GOOD.replace(good, bad, 1))
    assert found.rehearsals == ()
    assert expected in str(found.faults[0])
    assert str(found.faults[0]).startswith(f"{tmp_path}/releases.yaml:")


def test_the_same_release_twice_is_a_fault(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD + GOOD.split("releases:\n")[1])
    assert [str(fault).split(": ", 1)[1] for fault in found.faults] == ["releases[1]: the same release stands above"]


def test_a_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    judged_by = policy()
    found = load(tmp_path / "releases.yaml", {judged_by.plan.name: judged_by}, INTERVAL, NOON)
    assert "cannot be read" in str(found.faults[0])


@pytest.mark.parametrize("text", ["2025-11-06T12:00Z", "2025-11-06T12:00:00Z", "2025-11-06T13:00+01:00"])
def test_an_instant_has_several_spellings(text: str) -> None:
    assert parse_instant(text) == NOON


@pytest.mark.parametrize("text", ["", "noon", "2025-11-06T12:00", "2025-11-06", "1762430400"])
def test_an_instant_needs_its_time_zone(text: str) -> None:
    with pytest.raises(ValueError, match="with its time zone"):
        parse_instant(text)
