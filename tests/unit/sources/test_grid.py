"""Instants a step apart."""

import pytest

from gated.sources.grid import Grid

LOOKS = Grid.of_looks(1_700_000_000.0, 1_700_000_060.0, 15.0)


def test_the_first_look_ends_a_step_after_the_beginning_and_the_last_at_the_end() -> None:
    assert [LOOKS.at(index) for index in range(LOOKS.count)] == [1_700_000_000.0 + end for end in (15, 30, 45, 60)]
    assert LOOKS.last_ms == 1_700_000_060_000


@pytest.mark.parametrize(
    ("since", "until", "step", "count"),
    [
        (0.0, 3600.0, 15.0, 240),
        (0.0, 100.0, 15.0, 7),
        (0.0, 0.3, 0.1, 3),
        (0.0, 0.0, 15.0, 0),
        (0.0, 1.0, 0.0001, 1000),
    ],
)
def test_a_stretch_has_about_as_many_looks_as_fit(since: float, until: float, step: float, count: int) -> None:
    assert Grid.of_looks(since, until, step).count == count


def test_binary_fractions_do_not_move_an_instant() -> None:
    looks = Grid.of_looks(1_700_000_000.1, 1_700_000_000.1 + 0.3 * 1000, 0.3)
    assert looks.count == 1000
    assert [looks.index(1_700_000_000.1 + 0.3 * (number + 1)) for number in range(1000)] == list(range(1000))


@pytest.mark.parametrize("at", [1_700_000_000.0, 1_700_000_015.002, 1_700_000_075.0])
def test_what_is_none_of_the_instants_has_no_index(at: float) -> None:
    assert LOOKS.index(at) is None


def test_pieces_are_all_of_the_instants_once() -> None:
    pieces = list(Grid(0, 10, 25).pieces(10))
    assert [(begin, piece.first_ms, piece.count) for begin, piece in pieces] == [
        (0, 0, 10),
        (10, 100, 10),
        (20, 200, 5),
    ]
    assert list(Grid(0, 10, 0).pieces(10)) == []


def test_instants_may_be_put_before_the_first_and_all_of_them_moved() -> None:
    assert LOOKS.preceded(2).at(0) == 1_699_999_985.0
    assert LOOKS.preceded(2).last_ms == LOOKS.last_ms
    assert LOOKS.shifted(-0.5).at(0) == 1_700_000_014.5
