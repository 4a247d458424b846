from gated.rulebook.explain import explain
from gated.rulebook.rules import KINDS


def test_each_key_is_told_with_type_default_and_meaning() -> None:
    told = explain()
    assert "rules.<name>.window (a duration; default 1m)\n    With test: threshold, over how long events" in told
    assert (
        "rules.<name>.test (a test: threshold, sequential; default sequential)\n    How the rule makes up its" in told
    )
    assert "rules.<name>.windows[].factor (a number; required)\n    How many times faster" in told
    assert "rules.<name>.on_breach (an action: rollback, hold, warn; default rollback)\n" in told
    assert "rules.<name>.total (a PromQL selector; required)\n    A counter of all events." in told
    assert "plans.<name>.stages[].on_blind.then (an action: rollback, page; default rollback)\n" in told
    assert "plans.<name>.false_rollback_budget (a share; default 1%)\n    The probability with which" in told
    assert "plans.<name>.baseline.<name>.regex (a regular expression with placeholders; required)" in told
    assert "plans.<name>.workload.<name>.regex (a regular expression with placeholders; required)" in told


def test_kinds_are_told_apart_by_headings() -> None:
    told = explain()
    for kind in KINDS:
        assert f"\n\nrules.<name>.kind: {kind} - " in told


def test_lines_fit_a_terminal() -> None:
    assert max(map(len, explain().splitlines())) <= 100
