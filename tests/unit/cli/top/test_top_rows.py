"""What `gated top` says of releases: documents in, texts out."""

import math
from dataclasses import replace

import pytest

from deploy.pictures import terminal
from gated.cli.top import columns, piece, rows, watch
from gated.cli.top.rows import Order, Row
from gated.cli.top.watch import Watch
from gated.operations.documents import ReleaseDocument, ReleasePage

NOW = terminal.NOW


def shown(order: Order = Order.WORST, wanted: str = "") -> list[Row]:
    return rows.arranged([rows.row(found, NOW) for found in terminal.releases()], order, wanted)


def one(service: str) -> Row:
    return next(row for row in shown() if row.service.text == service)


# --- a line ------------------------------------------------------------------------------------------------------


def test_a_line_says_its_verdict_in_words_beside_the_colour() -> None:
    assert [one(name).verdict.text for name in ("checkout", "billing", "auth", "invoices")] == [
        "✗ rollback",
        "‖ hold",
        "… pending",
        "✓ promote",
    ]


def test_a_line_tracks_its_stages() -> None:
    tracks = {name: one(name).stages.text for name in ("checkout", "auth", "gateway", "notify")}
    assert tracks == {"checkout": "●✗○○", "auth": "●●◐○", "gateway": "●●●○", "notify": "○○○○"}


def test_the_worst_rule_stands_with_its_value_against_its_limit() -> None:
    assert one("auth").rule.text == "error-rate 1.79 % of 2 %"
    assert one("auth").evidence.text == "████▉· 41/100"
    assert one("invoices").rule.text == "latency-p95 212 ms of 800 ms"


def test_a_bake_shows_how_far_it_is_and_what_is_left() -> None:
    assert one("auth").progress.text == "██▌··· 14m left"
    assert one("ledger").progress.text == "paused by sre@ops"
    assert one("notify").progress.text == "canary-5 is next"


def test_a_release_that_nobody_has_looked_at_in_time_says_so_on_every_terminal() -> None:
    assert one("billing").look.text == "stale 3m"
    assert one("billing").rule.text == "no look for 3m"
    for width in (80, 200):
        assert "rule" in [column.name for column, _ in columns.fitted(shown(), width)]


def test_what_has_ended_says_how_and_comes_last() -> None:
    ended = terminal.releases()[0].model_copy(update={"phase": "rolled_back", "active": False})
    ended = ReleaseDocument.model_validate(ended.model_dump(mode="json", warnings=False))
    listed = rows.arranged([rows.row(ended, NOW), *shown()], Order.WORST)
    assert listed[-1].verdict.text == "✗ rolled back"


def test_an_older_gate_that_tells_no_worst_rule_is_shown_without() -> None:
    found = terminal.releases()[2].model_dump(mode="json")
    del found["worst_rule"], found["stale_at"]
    row = rows.row(ReleaseDocument.model_validate(found), NOW)
    assert (row.rule, row.evidence) == (piece.NOTHING, piece.NOTHING)


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    found = terminal.releases()[2].model_copy(update={"service": "a\x1b[2Jb\nc", "version": "\u202e"})
    row = rows.row(found, NOW)
    assert row.service.text == "a[2Jb c"
    assert row.version.text == ""


# --- the list ----------------------------------------------------------------------------------------------------


def test_the_worst_comes_first_then_by_service() -> None:
    names = [row.service.text for row in shown()]
    assert names == "checkout billing ledger auth search notify profile gateway invoices".split()


def test_the_other_orders() -> None:
    assert shown(Order.SERVICE)[0].service.text == "auth"
    assert [row.service.text for row in shown(Order.EVIDENCE)[:3]] == ["checkout", "auth", "search"]
    assert shown(Order.NEWEST)[0].service.text == "billing"


@pytest.mark.parametrize(
    ("wanted", "found"),
    {"HOLD": 2, "pending error-rate": 2, "paused sre": 1, "v31": 1, "nothing-like-it": 0, "": 9}.items(),
)
def test_every_word_of_a_filter_must_be_somewhere_in_the_line(wanted: str, found: int) -> None:
    assert len(shown(wanted=wanted)) == found


def test_the_summary_counts_verdicts() -> None:
    assert rows.summary(shown()) == "9 active: 1 rollback, 2 hold, 4 pending, 2 promote"
    assert rows.summary([]) == "0 active"


@pytest.mark.parametrize("width", [80, 100, 132, 200])
def test_the_columns_fit_the_terminal(width: int) -> None:
    fitted = columns.fitted(shown(), width)
    assert sum(wide for _, wide in fitted) + columns.GAP * (len(fitted) - 1) <= width
    assert {"verdict", "service", "version", "stages", "rule"} <= {column.name for column, _ in fitted}
    for row in shown():
        assert all(len(columns.cell(column, row, wide)) <= wide for column, wide in fitted)


def test_a_narrow_terminal_cuts_the_name_of_a_rule_before_its_numbers() -> None:
    rule = next(column for column in columns.COLUMNS if column.name == "rule")
    assert columns.cell(rule, one("search"), 26).endswith(" 0.61 % of 0.58 %")


# --- shapes ------------------------------------------------------------------------------------------------------


def test_evidence_moves_by_equal_steps_for_equal_harm() -> None:
    assert piece.evidence_share(10, 100) == pytest.approx(0.5)
    assert (piece.evidence_share(0.2, 100), piece.evidence_share(5000, 100)) == (0.0, 1.0)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300])
def test_no_number_that_a_broken_gate_says_ends_the_view(odd: float) -> None:
    found = terminal.releases()[2]
    assert found.worst_rule is not None
    rule = found.worst_rule.model_copy(update={"value": odd, "limit": odd, "evidence": odd, "evidence_limit": odd})
    stage = found.stages[2].model_copy(update={"eta_seconds": odd})
    broken = found.model_copy(update={"worst_rule": rule, "stages": (*found.stages[:2], stage, *found.stages[3:])})
    assert rows.row(broken, NOW).version.text == "v5.0.2"
    assert rows.row(broken.model_copy(update={"stages": ()}), NOW).verdict == piece.NOTHING


@pytest.mark.parametrize(
    ("seconds", "text"), {-5: "0s", 59: "59s", 60: "1m", 3600: "1h", 7810: "2h10m", 360000: "4d4h"}.items()
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    assert piece.brief(seconds) == text


# --- what is asked -----------------------------------------------------------------------------------------------


def test_the_list_is_read_page_by_page_and_what_a_round_does_not_bring_is_gone() -> None:
    first, second, *_ = terminal.releases()
    seen = watch.heard(Watch(service="x"), ReleasePage(releases=(first,), next="more"))
    assert not seen.is_whole
    assert watch.request(seen).query == {"service": "x", "environment": "", "active": "true", "limit": "200"} | {
        "cursor": "more"
    }
    seen = watch.heard(seen, ReleasePage(releases=(second,), next=""))
    assert seen.is_whole
    assert set(seen.shown) == {first.release, second.release}
    seen = watch.heard(seen, ReleasePage(releases=(second,), next=""))
    assert set(seen.shown) == {second.release}
    assert watch.request(seen).query["cursor"] == ""


def test_a_list_without_end_is_cut() -> None:
    seen = Watch()
    for _ in range(watch.MOST_PAGES):
        assert not seen.is_whole
        seen = watch.heard(seen, ReleasePage(releases=(), next="more"))
    assert seen.is_whole
    assert seen.is_cut


def test_those_that_ended_are_one_more_page() -> None:
    seen = watch.heard(Watch(with_ended=True), ReleasePage(releases=(), next=""))
    assert not seen.is_whole
    assert watch.request(seen).query["active"] == "false"
    seen = watch.heard(seen, ReleasePage(releases=tuple(terminal.releases()), next="more"))
    assert seen.is_whole
    assert len(seen.shown) == 9
    ended = {name: found.model_copy(update={"active": False}) for name, found in seen.shown.items()}
    assert watch.restarted(replace(seen, shown=ended), with_ended=False).shown == {}
