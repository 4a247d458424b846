"""The tables of docs/statistics.md, and what each of them rests on, from committed measurements."""

import math
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from deploy import measured

_SECTION = re.compile(r"(?<=<!-- measured: )(?P<name>[a-z-]+) -->\n.*?(?=<!-- measured end -->)", re.DOTALL)
_CALM, _CLUSTERED, _STICKY = "independent", "clusters and pod noise", "sticky batch clients"
_SETTINGS = ("gated", "gated, 24 h", "gated, no history", "gated, both rules", "gated, 5 rules")
_EDGE = 1.1
"""The largest increase that is tolerated."""
_PEERS = ("threshold", "Argo", "Flagger", "for: 5m", "Kayenta", "Lindon-Malek")
_FOUND = (
    *((_CALM, who, 0.0) for who in measured.FINDERS),
    *((_CALM, who, 1200.0) for who in ("gated", "for: 5m")),
    *((_CLUSTERED, who, 0.0) for who in ("gated", "gated, as shipped", "for: 5m")),
    *((_STICKY, "gated", since) for since in (0.0, 1200.0)),
)
"""Whose finds are shown: on which traffic, and faults from when on."""
_SIZES = (2.0, 3.0, 5.0, 10.0)
_UNSEEN = ("retry storms", "noisy neighbours")
_LEARNED = "dispersion learned"
_AT_LIMIT = 2.0
"""Of the healthy error rate; all limits of the bench are that."""
_BUDGET = 1.0
"""In percent; what is above it with all of its interval is set in bold."""

R = TypeVar("R")
C = TypeVar("C")


def with_tables(page: str) -> str:
    """A page with its tables as they are now, between `<!-- measured: NAME -->` and `<!-- measured end -->`."""
    return _SECTION.sub(lambda section: f"{section['name']} -->\n\n{_TABLES[section['name']]()}\n\n", page)


def _false_rollbacks(columns: Mapping[tuple[str, float], str]) -> str:
    """What each judge did to releases whose errors grew by a harmless factor."""
    traffics = dict.fromkeys(row["traffic"] for row in measured.rows("false_rollbacks"))

    def share(traffic: str, column: tuple[str, float]) -> str:
        who, effect = column
        row = measured.one("false_rollbacks", effect=effect, traffic=traffic, judge=who)
        told = f"{_percent(row['mean']['percent'])} [{_percent(row['worst']['percent'])}]"
        return f"**{told}**" if who.startswith("gated") and row["mean"]["low"] > _BUDGET else told

    names = {traffic: f"{traffic} \\*" if traffic in _UNSEEN else traffic for traffic in traffics}
    return _table("traffic", names, columns, share)


def _settings() -> str:
    healthy = {(who, 1.0): _named(who) for who in _SETTINGS}
    return _false_rollbacks({**healthy, ("gated", _EDGE): f"gated, ×{_EDGE:g}"})


def _others() -> str:
    return _false_rollbacks({(who, 1.0): _named(who) for who in _PEERS})


def _beside() -> str:
    """All of them in one table."""
    return _false_rollbacks({(who, 1.0): _named(who) for who in ("gated", *_PEERS[:5])})


def _often_runs() -> str:
    """What the first picture rests on."""
    often = measured.choices()["often"]
    names = {"threshold": "one bad look", "Argo": "four", "for: 5m": "five bad minutes", "gated, both rules": "gated"}
    told = (
        f"{name} {_percent(often['percent'][judge][-1])} % ({_percent(low)}–{_percent(high)})"
        for judge, name in names.items()
        for low, high in [often["interval"][judge]]
    )
    return f"{often['runs']} releases, rolled back within the hour (95 % intervals): {', '.join(told)}."


def _runs() -> str:
    """What the tables of false rollbacks rest on."""
    counted = [measured.one("false_rollbacks", effect=1.0, traffic=_CALM, judge=who) for who in _SETTINGS]
    rows = {row["judge"]: row for row in counted}
    single = rows["gated"]["worst"]["runs"]
    told = ", ".join(f"{_named(who)} {row['mean']['runs']:,}" for who, row in rows.items())
    whole = rows["gated"]["mean"]["runs"]
    others = measured.one("false_rollbacks", effect=1.0, traffic=_CALM, judge="Argo")["mean"]["runs"]
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
        return _missed_and_seconds(
            measured.one("detections", traffic=traffic, judge=who, since_seconds=since, effect=effect)
        )

    return _table("", rows, {effect: f"×{effect:g}" for effect in _SIZES}, entry)


def _found_runs() -> str:
    row = measured.one("detections", traffic=_CALM, judge="gated", since_seconds=0.0, effect=3.0)
    other = measured.one("detections", traffic=_CALM, judge="Argo", since_seconds=0.0, effect=3.0)
    bounds = {
        since: [row["multiple"] for row in measured.rows("wald", since_seconds=since) if row["effect"] in _SIZES]
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
            measured.one("cold_starts", traffic=_CALM, cooling=cooling, judge=who, effect=effect)["mean"]["percent"]
        )

    return _table("", rows, columns, share)


def _cold_runs() -> str:
    runs = measured.rows("cold_starts", traffic=_CALM, judge="gated, as shipped")[0]["mean"]["runs"]
    return f"{runs} releases an entry."


def _past() -> str:
    traffics = {row["traffic"]: row["traffic"] for row in measured.rows("past_harmless")}

    def entry(traffic: str, effect: float) -> str:
        harmless = measured.rows("past_harmless", traffic=traffic, effect=effect)
        return (
            _percent(harmless[0]["mean"]["percent"])
            if harmless
            else _missed_and_seconds(measured.one("past_faults", traffic=traffic, effect=effect))
        )

    columns = {1.0: "healthy", 1.25: "×1.25, tolerated", **{effect: f"×{effect:g}" for effect in _SIZES}}
    return _table("", traffics, columns, entry)


def _past_runs() -> str:
    return f"{measured.rows('past_harmless')[0]['mean']['runs']} releases an entry."


def _proofs() -> str:
    traffics = {row["traffic"]: row["traffic"] for row in measured.rows("proofs_wrong")}

    def entry(traffic: str, effect: float) -> str:
        if effect == _AT_LIMIT:
            return _percent(measured.one("proofs_wrong", traffic=traffic, judge=_LEARNED)["mean"]["percent"])
        return _missed_and_seconds(measured.one("proofs_right", traffic=traffic, judge=_LEARNED, effect=effect))

    return _table("", traffics, {_AT_LIMIT: "at the limit", 1.0: "at half of it", 0.5: "at a quarter"}, entry)


def _proof_runs() -> str:
    return f"{measured.rows('proofs_wrong', judge=_LEARNED)[0]['mean']['runs']} releases an entry."


def _costs() -> str:
    seconds = {
        (row["history"], row["drift_floor"], row["model"], row["effect"], budget): mean
        for row in measured.choices()["costs"]
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
    return f"{measured.choices()['costs'][0]['runs']} releases an entry."


def _missed_and_seconds(row: measured.Row) -> str:
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
    "beside": _beside,
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
