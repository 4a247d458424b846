from gated.rulebook.explain import explain


def test_each_key_is_told_with_type_default_and_meaning() -> None:
    told = explain()
    assert "rules.<name>.window (a duration; default 1m)\n    Over how long events are counted" in told
    assert "rules.<name>.on_breach (an action: rollback, hold, warn; default rollback)\n" in told
    assert "rules.<name>.total (a PromQL selector; required)\n    A counter of all events." in told
    assert "plans.<name>.stages[].on_blind.then (an action: rollback, page; default rollback)\n" in told
    assert "plans.<name>.workload.<name>.regex (a regular expression with placeholders; required)" in told


def test_kinds_are_told_apart_by_headings() -> None:
    told = explain()
    for kind in ("ratio", "quantile", "value", "alerts", "probe"):
        assert f"\n\nrules.<name>.kind: {kind} - " in told


def test_lines_fit_a_terminal() -> None:
    assert max(map(len, explain().splitlines())) <= 100
