"""The tables of docs/statistics.md, from measurements that are committed: docs/measurements/judge.json, choices.json.

python -m deploy.measured FIGURES    # takes over what `OUT=FIGURES make bench ARGS="-k judge"` has written
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

MEASUREMENTS = Path(__file__).parents[1] / "docs" / "measurements"
_JUDGE = "judge.json"
_CHOICES = "choices.json"
_SECTION = re.compile(r"(?<=<!-- measured: )(?P<name>[a-z-]+) -->\n.*?(?=<!-- measured end -->)", re.DOTALL)
_CALM, _CLUSTERED = "independent", "clusters and pod noise"
_SETTINGS = ("gated", "gated, 24 h", "gated, no history", "gated, both rules", "gated, 5 rules")
_EDGE = 1.1
"""The largest increase that is tolerated."""
_PEERS = ("threshold", "Argo", "Flagger", "for: 5m", "Kayenta", "Lindon-Malek")
_FINDERS = ("gated", "gated, as shipped", "Argo", "for: 5m", "Kayenta")
_FOUND = (
    *((_CALM, who, 0.0) for who in _FINDERS),
    *((_CALM, who, 1200.0) for who in ("gated", "for: 5m")),
    *((_CLUSTERED, who, 0.0) for who in ("gated", "gated, as shipped", "for: 5m")),
)
"""Whose finds are shown: on which traffic, and faults from when on."""
_SIZES = (2.0, 3.0, 5.0, 10.0)
_UNSEEN = ("brownouts and sick pods", "sticky batch clients")
_LEARNED = "dispersion learned"
_AT_LIMIT = 2.0
"""Of the healthy error rate; all limits of the bench are that."""
_BUDGET = 1.0
"""In percent; what is above it is set in bold."""

Row = Mapping[str, Any]
R = TypeVar("R")
C = TypeVar("C")


@cache
def known(name: str) -> dict[str, Any]:
    """A document of measurements; nobody changes it."""
    document: dict[str, Any] = json.loads((MEASUREMENTS / name).read_text())
    return document


def judge() -> dict[str, Any]:
    """What was measured of the judge: for each part of its bench the settings, and rows."""
    return known(_JUDGE)


def choices() -> dict[str, Any]:
    """What was measured of looking often, and of settings."""
    return known(_CHOICES)


def with_tables(page: str) -> str:
    """A page with its tables as they are now, between `<!-- measured: NAME -->` and `<!-- measured end -->`."""
    return _SECTION.sub(lambda section: f"{section['name']} -->\n\n{_TABLES[section['name']]()}\n\n", page)


def condensed(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of a bench's figures; single kinds of services are left out.

    Args:
        figures: what tests/bench/bench_judge.py writes.
    """
    rows: dict[str, list[Row]] = {
        "false_rollbacks": [_rate_row(row) for row in _figures(figures, "false_rollbacks")],
        "detections": [_found_row(row) for row in _figures(figures, "detections") if row["judge"] in _FINDERS],
        "wald": [
            {key: _rounded(value) for key, value in row.items()}
            for row in _figures(figures, "wald")
            if row["judge"] == "gated"
        ],
        "cold_starts": [
            {"cooling": cooling.removeprefix("cooling "), **_rate_row(row)}
            for cooling, rows in _figures(figures, "cold_starts").items()
            if cooling != "faults"
            for row in rows
        ],
        "past_harmless": [_rate_row(row) for row in _figures(figures, "past")["harmless"]],
        "past_faults": [_found_row(row) for row in _figures(figures, "past")["faults"]],
        "proofs_wrong": [_rate_row(row) for row in _figures(figures, "health")["wrong"]],
        "proofs_right": [_found_row(row) for row in _figures(figures, "health")["right"]],
    }
    return {part: {"settings": figures[_part(part)]["settings"], "rows": of} for part, of in rows.items()}


def main() -> int:
    """Take over figures of a bench."""
    parser = argparse.ArgumentParser(prog="python -m deploy.measured", description=__doc__)
    parser.add_argument("figures", type=Path, help="what bench_judge.py wrote")
    document = condensed(json.loads(parser.parse_args().figures.read_text()))
    parts = (
        f'"{part}": {{"settings": {json.dumps(of["settings"])}, "rows": [\n{_lines(of["rows"])}\n]}}'
        for part, of in document.items()
    )
    (MEASUREMENTS / _JUDGE).write_text("{\n" + ",\n".join(parts) + "\n}\n")
    return 0


def _lines(rows: Iterable[Row]) -> str:
    """A row a line, so that changes can be read."""
    return ",\n".join(f" {json.dumps(row, ensure_ascii=False)}" for row in rows)


def _part(name: str) -> str:
    """The part of the bench that a section comes from."""
    return {"past": "past", "proofs": "health"}.get(name.partition("_")[0], name)


def _figures(figures: Mapping[str, Any], part: str) -> Any:
    return figures[part]["figures"]


def _rate_row(row: Row) -> Row:
    head = {"traffic": row["model"], "judge": row["judge"], "effect": row["effect"], "worst_cell": row["worst_cell"]}
    return {**head, "mean": _rate(row["mean"]), "worst": _rate(row["worst"])}


def _found_row(row: Row) -> Row:
    head = {"traffic": row["model"], "judge": row["judge"], "effect": row["effect"]}
    times = {key: _rounded(row[key]) for key in ("since_seconds", "seconds", "capped_seconds")}
    return {**head, **times, "missed": _rate(row["missed"])}


def _rate(rate: Row) -> Row:
    return {key: _rounded(value) for key, value in rate.items()}


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _rows(part: str, **wanted: object) -> list[Row]:
    return [row for row in judge()[part]["rows"] if all(row[key] == value for key, value in wanted.items())]


def _one(part: str, **wanted: object) -> Row:
    (row,) = _rows(part, **wanted)
    return row


def _false_rollbacks(columns: Mapping[tuple[str, float], str]) -> str:
    """What each judge did to releases whose errors grew by a harmless factor."""
    traffics = dict.fromkeys(row["traffic"] for row in _rows("false_rollbacks"))

    def share(traffic: str, column: tuple[str, float]) -> str:
        who, effect = column
        row = _one("false_rollbacks", effect=effect, traffic=traffic, judge=who)
        told = f"{_percent(row['mean']['percent'])} [{_percent(row['worst']['percent'])}]"
        return f"**{told}**" if who.startswith("gated") and row["mean"]["percent"] > _BUDGET else told

    names = {traffic: f"{traffic} \\*" if traffic in _UNSEEN else traffic for traffic in traffics}
    return _table("traffic", names, columns, share)


def _settings() -> str:
    healthy = {(who, 1.0): _named(who) for who in _SETTINGS}
    return _false_rollbacks({**healthy, ("gated", _EDGE): f"gated, ×{_EDGE:g}"})


def _others() -> str:
    return _false_rollbacks({(who, 1.0): _named(who) for who in _PEERS})


def _often_runs() -> str:
    """What the first picture rests on."""
    often = choices()["often"]
    names = {"threshold": "one bad look", "Argo": "four", "for: 5m": "five bad minutes", "gated, both rules": "gated"}
    told = (
        f"{name} {_percent(often['percent'][judge][-1])} % ({_percent(low)}–{_percent(high)})"
        for judge, name in names.items()
        for low, high in [often["interval"][judge]]
    )
    return f"{often['runs']} releases, rolled back within the hour (95 % intervals): {', '.join(told)}."


def _runs() -> str:
    """What the tables of false rollbacks rest on."""
    counted = [_one("false_rollbacks", effect=1.0, traffic=_CALM, judge=who) for who in _SETTINGS]
    rows = {row["judge"]: row for row in counted}
    single = rows["gated"]["worst"]["runs"]
    told = ", ".join(f"{_named(who)} {row['mean']['runs']:,}" for who, row in rows.items())
    whole = rows["gated"]["mean"]["runs"]
    others = _one("false_rollbacks", effect=1.0, traffic=_CALM, judge="Argo")["mean"]["runs"]
    return (
        f"Releases a row: {told}; others {others:,}. None of {whole:,} may still be {_percent(_most(whole))} %, none of"
        f" the {single} of one kind of service {_percent(_most(single))} % (95 % confidence)."
    )


def _most(runs: float) -> float:
    """The share, in percent, of what happened in none of so many runs: Clopper and Pearson's upper end at 95 %."""
    return -100 * math.expm1(math.log(0.025) / runs)


def _found() -> str:
    rows = {at: f"{_named(who)}, {traffic}, {_since(since)}" for at, (traffic, who, since) in enumerate(_FOUND)}

    def entry(at: int, effect: float) -> str:
        traffic, who, since = _FOUND[at]
        return _missed_and_seconds(_one("detections", traffic=traffic, judge=who, since_seconds=since, effect=effect))

    return _table("", rows, {effect: f"×{effect:g}" for effect in _SIZES}, entry)


def _found_runs() -> str:
    row = _one("detections", traffic=_CALM, judge="gated", since_seconds=0.0, effect=3.0)
    other = _one("detections", traffic=_CALM, judge="Argo", since_seconds=0.0, effect=3.0)
    bounds = {
        since: [row["multiple"] for row in _rows("wald", since_seconds=since) if row["effect"] in _SIZES]
        for since in (0.0, 1200.0)
    }
    told = ", ".join(f"{min(of):.1f} to {max(of):.1f} times as long {_since(since)}" for since, of in bounds.items())
    return (
        f"{row['missed']['runs']} releases an entry, {other['missed']['runs']} of others. Beside Wald's bound, which no"
        f" test with this budget can beat, rounded up to whole looks: {told}."
    )


def _cold_starts() -> str:
    rows = {
        "gated": "`cold_start: 0s`",
        "gated, warm-up 2 min": "`cold_start: 0s`, `warmup: 2m`",
        "gated, warm-up 5 min": "`cold_start: 0s`, `warmup: 5m`",
        "gated, as shipped": "the defaults",
        "gated, as shipped, starts in history": "the defaults, such starts in history",
    }
    columns = {
        (cooling, effect): f"×{effect:g}, to a third in {cooling}"
        for cooling in ("60 s", "120 s")
        for effect in (3.0, 10.0)
    }

    def share(who: str, column: tuple[str, float]) -> str:
        cooling, effect = column
        return _percent(
            _one("cold_starts", traffic=_CALM, cooling=cooling, judge=who, effect=effect)["mean"]["percent"]
        )

    return _table("", rows, columns, share)


def _cold_runs() -> str:
    runs = _rows("cold_starts", traffic=_CALM, judge="gated, as shipped")[0]["mean"]["runs"]
    return f"{runs} releases an entry."


def _past() -> str:
    traffics = {row["traffic"]: row["traffic"] for row in _rows("past_harmless")}

    def entry(traffic: str, effect: float) -> str:
        harmless = _rows("past_harmless", traffic=traffic, effect=effect)
        return (
            _percent(harmless[0]["mean"]["percent"])
            if harmless
            else _missed_and_seconds(_one("past_faults", traffic=traffic, effect=effect))
        )

    columns = {1.0: "healthy", 1.25: "×1.25, tolerated", **{effect: f"×{effect:g}" for effect in _SIZES}}
    return _table("", traffics, columns, entry)


def _past_runs() -> str:
    return f"{_rows('past_harmless')[0]['mean']['runs']} releases an entry."


def _proofs() -> str:
    traffics = {row["traffic"]: row["traffic"] for row in _rows("proofs_wrong")}

    def entry(traffic: str, effect: float) -> str:
        if effect == _AT_LIMIT:
            return _percent(_one("proofs_wrong", traffic=traffic, judge=_LEARNED)["mean"]["percent"])
        return _missed_and_seconds(_one("proofs_right", traffic=traffic, judge=_LEARNED, effect=effect))

    return _table("", traffics, {_AT_LIMIT: "at the limit", 1.0: "at half of it", 0.5: "at a quarter"}, entry)


def _proof_runs() -> str:
    return f"{_rows('proofs_wrong', judge=_LEARNED)[0]['mean']['runs']} releases an entry."


def _costs() -> str:
    seconds = {
        (row["history"], row["drift_floor"], row["model"], row["effect"], budget): mean
        for row in choices()["costs"]
        for budget, mean in row["seconds"].items()
    }
    settings = {
        ("4 h", 0.1, "0.01"): "the defaults",
        ("4 h", 0.1, "0.05"): "`false_rollback_budget: 5%`",
        ("4 h", 0.1, "0.001"): "`false_rollback_budget: 0.1%`",
        ("4 h", 0.0, "0.01"): "`drift_floor: 0%`",
        ("4 h", 0.2, "0.01"): "`drift_floor: 20%`",
        ("4 h", 0.3, "0.01"): "`drift_floor: 30%`",
        ("none", 0.1, "0.01"): "`history: 0s`",
    }
    manner = {_CALM: "one by one", _CLUSTERED: "in clusters"}
    columns = {(model, effect): f"×{effect:g}, {how}" for model, how in manner.items() for effect in _SIZES[:3]}

    def entry(setting: tuple[str, float, str], column: tuple[str, float]) -> str:
        (history, floor, budget), (model, effect) = setting, column
        return f"{seconds[history, floor, model, effect, budget]:,.0f}"

    return _table("", settings, columns, entry)


def _cost_runs() -> str:
    return f"{choices()['costs'][0]['runs']} releases an entry."


def _missed_and_seconds(row: Row) -> str:
    seconds = "–" if row["seconds"] is None else f"{row['seconds']:,.0f}"
    return f"{_percent(row['missed']['percent'])} / {seconds}"


def _named(who: str) -> str:
    """A judge as the page calls it."""
    names = {
        "gated": "gated",
        "for: 5m": "`for: 5m`",
        "gated, both rules": "and a fixed limit",
        "gated, 5 rules": "five comparisons",
        "gated, as shipped": "gated, while young",
    }
    return names.get(who, who.removeprefix("gated, "))


def _since(seconds: float) -> str:
    return "from the start" if not seconds else f"at minute {seconds / 60:.0f}"


def _percent(percent: float) -> str:
    """With as many digits as it is worth."""
    return f"{percent:.0f}" if percent >= 10 or not percent else f"{percent:.{1 if percent >= 1 else 2}f}"  # noqa: PLR2004 -- digits


def _table(corner: str, rows: Mapping[R, str], columns: Mapping[C, str], entry: Callable[[R, C], str]) -> str:
    """A Markdown table; rows and columns by their keys, with the names they are shown by."""
    lines = [f"| {corner} | {' | '.join(columns.values())} |", f"|---|{'---|' * len(columns)}"]
    lines += [f"| {name} | {' | '.join(entry(row, column) for column in columns)} |" for row, name in rows.items()]
    return "\n".join(lines)


_TABLES: dict[str, Callable[[], str]] = {
    "often-runs": _often_runs,
    "settings": _settings,
    "others": _others,
    "runs": _runs,
    "found": _found,
    "found-runs": _found_runs,
    "cold-starts": _cold_starts,
    "cold-runs": _cold_runs,
    "past": _past,
    "past-runs": _past_runs,
    "proofs": _proofs,
    "proof-runs": _proof_runs,
    "costs": _costs,
    "cost-runs": _cost_runs,
}


if __name__ == "__main__":
    sys.exit(main())
