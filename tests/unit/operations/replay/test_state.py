"""The file that lets an interrupted replay go on."""

from pathlib import Path

import pytest

from gated.model.errors import Conflict, InvalidInput, Unavailable
from gated.operations.replay.state import opened
from tests.unit.operations.replay.rehearsing import past, rehearsal, replayed

IDENTITY = {"a rule or plan": "sha256:1", "the choice of rollouts": "sha256:2"}
ONE = replayed(past())
OTHER = replayed(past(), rehearsal(environment="staging"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "replay.state"


def kept(file: Path, *, anew: bool = False, identity: dict[str, str] = IDENTITY) -> list[str]:
    with opened(file, identity, anew=anew) as state:
        return list(state.done)


def test_what_was_added_is_there_the_next_time(file: Path) -> None:
    with opened(file, IDENTITY) as state:
        state.add(ONE)
        state.add(OTHER)
    with opened(file, IDENTITY) as state:
        assert state.done == {ONE.key: ONE, OTHER.key: OTHER}


def test_half_a_line_of_a_killed_process_is_cut_off(file: Path) -> None:
    with opened(file, IDENTITY) as state:
        state.add(ONE)
    whole = file.read_bytes()
    for cut in range(0, len(whole), 97):
        file.write_bytes(whole[:cut])
        with opened(file, IDENTITY) as state:
            assert not state.done
            state.add(ONE)
        assert kept(file) == [ONE.key]
        assert file.read_bytes() == whole


def test_another_rule_set_is_refused_by_name(file: Path) -> None:
    kept(file)
    with pytest.raises(Conflict, match="a rule or plan changed since; say --anew"):
        kept(file, identity={**IDENTITY, "a rule or plan": "sha256:3"})


def test_anew_forgets(file: Path) -> None:
    with opened(file, IDENTITY) as state:
        state.add(ONE)
    assert kept(file, anew=True, identity={**IDENTITY, "a rule or plan": "sha256:3"}) == []


NO_STATES = {
    "another file": b"hello\n",
    "JSON that is something else": b'{"version": 1}\n',
    "a line that is no result": b'{"gated_replay": 1, "identity": {"a rule or plan": "sha256:1",'
    b' "the choice of rollouts": "sha256:2"}}\n{"key": 1}\n',
}


@pytest.mark.parametrize("content", NO_STATES.values(), ids=NO_STATES.keys())
def test_a_file_that_is_no_state_is_not_overwritten(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"replay\.state"):
        kept(file)
    assert file.read_bytes() == content


def test_two_replays_do_not_work_with_one_file(file: Path) -> None:
    with opened(file, IDENTITY), pytest.raises(Conflict, match="another replay"):
        kept(file)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        kept(tmp_path / "missing" / "replay.state")


def test_without_a_file_nothing_is_kept() -> None:
    with opened(None, IDENTITY) as state:
        state.add(ONE)
        assert list(state.done) == [ONE.key]
