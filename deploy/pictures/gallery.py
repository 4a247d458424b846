"""The pictures of docs/pictures/: what is drawn, from what is measured, computed or simulated.

What takes long to simulate is read from docs/measurements/; the rest is made here, in a second.
"""

import math
from collections.abc import Callable, Iterable

from deploy import measured
from deploy.pictures import flow, scenes, terminal
from deploy.pictures.drawing import Axis, Ink, Plot, picture, words
from gated.judge.stats import health
from gated.model.evidence import Counts

_HEALTHY = 20
"""Healthy releases that are drawn."""
_OUTAGE = (18.0, 24.0)
"""The minutes in which both versions suffer."""
_FAULT = 42.0
"""The minute from which the new version has a fault of its own."""
_HOUR = Axis("minutes since the first stage began", 0, 60, {minute: str(minute) for minute in range(0, 61, 10)})


def peeking() -> str:
    """How often healthy releases are rolled back by those who look often."""
    often = measured.choices()["often"]
    y = Axis("healthy releases rolled back so far, %", 0, 100, {at: str(at) for at in range(0, 101, 20)})
    plot = Plot(x=_HOUR, y=y)
    lines = {
        "threshold": (Ink.HARM, "", ("past a threshold", "at one 15 s look")),
        "Argo": (Ink.OTHER, "7 3", ("past it at four", "looks, one a minute")),
        "for: 5m": (Ink.PLAIN, "2 3", ("for five minutes",)),
        "gated, both rules": (Ink.GATED, "", ("gated",)),
    }
    drawn = [plot.frame()]
    for judge, (ink, dash, name) in lines.items():
        percent = [0.0, *often["percent"][judge]]
        drawn.append(plot.line(enumerate(percent), ink, dash=dash))
        drawn += [plot.words(60, percent[-1] - 6 * line, text, ink) for line, text in enumerate(name)]
    return picture(
        "Whoever looks often and may not be wrong once is wrong sooner or later",
        f"Shares of {often['runs']} healthy simulated releases that were rolled back, by minute: at the end "
        + ", ".join(f"{judge} {percent[-1]:.0f} %" for judge, percent in often["percent"].items())
        + ".",
        368,
        drawn,
    )


def odds() -> str:
    """What the odds do while releases are healthy, and when they are not."""
    healthy, faulty = scenes.release, scenes.faulty
    y = Axis(
        "odds that the new version is worse, to 1",
        0.01,
        1000,
        {0.01: "0.01", 0.1: "0.1", 1: "1", 10: "10", 100: "100", 1000: "1,000"},
        is_logarithmic=True,
    )
    plot = Plot(x=_HOUR, y=y)
    drawn = [
        plot.frame(),
        plot.level(scenes.ODDS_LIMIT, Ink.HARM),
        plot.words(60, 100, "rollback at 100 : 1", Ink.HARM),
    ]
    for seed in range(_HEALTHY):
        every_minute = _by_minute(scenes.against_baseline(healthy(scenes.healthy, seed)), step=4)
        drawn.append(plot.line(every_minute, Ink.PLAIN, width=1, opacity=0.55))
    drawn.append(plot.words(60, 0.12, "20 healthy releases", Ink.PLAIN))
    for name, shares, seed in (
        ("×3", faulty(3), 1),
        ("×1.5", faulty(1.5), 4),
        ("×2, from minute 20 on", faulty(2, 20), 2),
    ):
        points = _until(_by_minute(scenes.against_baseline(healthy(shares, seed))), scenes.ODDS_LIMIT)
        drawn += [plot.line(points, Ink.GATED), plot.dot(*points[-1], Ink.GATED)]
        drawn.append(plot.words(points[-1][0], 220, name, Ink.GATED))
    return picture(
        "The odds are money won by betting against the new version",
        "Odds over an hour, on a scale of powers of ten. Twenty healthy releases wander below 1; releases with more"
        " errors climb to 100 to 1, the faster the worse they are, and also when the fault begins at minute 20.",
        368,
        drawn,
    )


def outage() -> str:
    """What an outage of both versions does to the odds, and what a fault of the new one."""

    def shares(minute: float) -> tuple[float, float]:
        both = scenes.USUAL * (6 if _OUTAGE[0] <= minute < _OUTAGE[1] else 1)
        return both * (4 if minute >= _FAULT else 1), both

    looks = scenes.release(shares, 5)
    above = Plot(
        x=_HOUR,
        y=Axis("share of requests that fail, %", 0, 10, {at: str(at) for at in (0, 3, 6, 9)}),
        height=120,
    )
    below = Plot(
        x=_HOUR,
        y=Axis(
            "odds against the new version, to 1",
            0.01,
            10_000,
            {0.01: "0.01", 1: "1", 100: "100", 10_000: "10,000"},
            True,
        ),
        top=224,
        height=150,
    )
    drawn = [above.frame(has_x_label=False), below.frame()]
    for plot in (above, below):
        drawn += [plot.band(*_OUTAGE, Ink.PLAIN), plot.band(_FAULT, 60, Ink.HARM, opacity=0.1)]
    for name, side, ink in (("the new version", 0, Ink.GATED), ("the old version", 1, Ink.PLAIN)):
        shown = [
            (scenes.minutes(at + 3), 100 * sum((look[side] for look in looks[at : at + 4]), Counts()).share)
            for at in range(0, scenes.LOOKS, 4)
        ]
        drawn += [above.line(shown, ink), above.words(60, shown[-1][1] + (0.7 if side == 0 else 0), name, ink)]
    drawn += [below.level(scenes.ODDS_LIMIT, Ink.HARM), below.words(60, 100, "rollback", Ink.HARM)]
    tests = (
        (scenes.against_limit(looks, with_excuses=False), Ink.OTHER, "7 3"),
        (scenes.against_limit(looks, with_excuses=True), Ink.GOOD, "2 3"),
        (scenes.against_baseline(looks), Ink.GATED, ""),
    )
    drawn += [below.line(_until(_by_minute(test), scenes.ODDS_LIMIT), ink, dash=dash) for test, ink, dash in tests]
    drawn += [
        above.level(100 * scenes.LIMIT, Ink.PLAIN, dash="2 4"),
        above.words(60, 100 * scenes.LIMIT - 0.6, "fixed limit: 3 %"),
        below.words(20, 25, "fixed limit by itself", Ink.OTHER),
        below.words(42, 3, "beside the old version", Ink.GATED, anchor="end"),
        below.words(60, 6, "fixed limit, without", Ink.GOOD),
        below.words(60, 1.5, "the shared outage", Ink.GOOD),
        words(
            above.left + above.width * (_OUTAGE[0] + _OUTAGE[1]) / 120,
            above.top + 14,
            "outage of both",
            anchor="middle",
        ),
        words(
            above.left + above.width * (_FAULT + 60) / 120, above.top + 14, "fault of the new version", anchor="middle"
        ),
    ]
    return picture(
        "What hits both versions is no fault of the new one",
        "Above: the share of failing requests of both versions, with an outage of both and later a fault of the new"
        " one. Below: the odds. A fixed limit by itself goes back in the outage; with the old version as an excuse, and"
        " in the comparison, the odds rise only with the fault.",
        428,
        drawn,
    )


def proof() -> str:
    """How many requests the proof of health takes."""
    y = Axis(
        "requests to the new version until health is proved",
        10,
        10_000_000,
        {
            10: "10",
            100: "100",
            1000: "1,000",
            10_000: "10,000",
            100_000: "100,000",
            1_000_000: "1 million",
            10_000_000: "10 million",
        },
        is_logarithmic=True,
    )
    x = Axis(
        "limit",
        0.0001,
        0.1,
        {
            0.0001: "0.01 %",
            0.0005: "0.05 %",
            0.001: "0.1 %",
            0.005: "0.5 %",
            0.01: "1 %",
            0.02: "2 %",
            0.05: "5 %",
            0.1: "10 %",
        },
        is_logarithmic=True,
    )
    plot = Plot(x=x, y=y, left=92, width=500, height=300)
    limits = [10 ** (-4 + at / 10) for at in range(31)]
    drawn = [plot.frame()]
    for part, name, ink, dash in (
        (0.75, "at ¾ of the limit", Ink.HARM, ""),
        (0.5, "at half of it", Ink.OTHER, ""),
        (0.25, "at a quarter", Ink.GATED, ""),
        (0.0, "no failure at all", Ink.GOOD, ""),
    ):
        # As many bad ones among them as the rate predicts, and too few requests so far to matter.
        points = [(limit, health.events_needed(limit, Counts(part * limit / 1e6, 1e-6), 1.0)) for limit in limits]
        drawn += [plot.line(points, ink, dash=dash), plot.words(0.1, points[-1][1], name, ink)]
    return picture(
        "Near its limit a version takes long to prove",
        "Requests needed until odds of 20 to 1 say that a version is below its limit, for limits from 0.01 % to 10 %:"
        " about four divided by the limit when nothing fails, seven times as many at half the limit.",
        418,
        drawn,
    )


def buckets() -> str:
    """What a histogram knows of a p95."""
    x = Axis("latency, ms", 0, 1500, {at: f"{at:,}" for at in (0, 100, 250, 500, 800, 1000, 1500)})
    y = Axis("requests that take longer, %", 0, 40, {at: str(at) for at in (0, 5, 10, 20, 30, 40)})
    plot = Plot(x=x, y=y, width=600)
    seen = {bound: _slower(bound) for bound in (250, 500, 1000)}
    drawn = [
        plot.frame(),
        plot.band(500, 1000, Ink.PLAIN),
        plot.words(750, 37, "nothing is counted in here", anchor="middle"),
        plot.level(5, Ink.HARM),
        plot.words(1500, 6.6, "5 % may be", Ink.HARM, anchor="end"),
        plot.line([(800, 0), (800, 33)], Ink.HARM, width=1.5),
        plot.words(800, 31, "limit: p95 at 800 ms", Ink.HARM),
        plot.line([(at, _slower(at)) for at in range(242, 1501, 6)], Ink.PLAIN, dash="2 3"),
        *(plot.dot(*point, Ink.GATED) for point in seen.items()),
        plot.words(490, 9.7, "for a promotion:", Ink.GATED, anchor="end"),
        plot.words(490, 7.2, f"{seen[500]:.0f} % above 500 ms", Ink.GATED, anchor="end"),
        plot.words(1000, 14, "for a rollback:", Ink.GATED),
        plot.words(1000, 11.5, f"{seen[1000]:.0f} % above 1,000 ms", Ink.GATED),
    ]
    return picture(
        "A histogram knows its boundaries, and nothing between them",
        "Share of requests slower than a latency. The histogram counts at 250, 500 and 1,000 ms only. The limit of"
        " 800 ms lies between two of them: a rollback counts at 1,000 ms, a promotion at 500 ms, and nobody can tell"
        " what is between.",
        368,
        drawn,
    )


def found() -> str:
    """How long faults take to be found, by their size."""
    times: dict[float, str] = {15: "15 s", 60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 h"}
    x = Axis(
        "how many times as many requests fail",
        1.5,
        20,
        {at: f"×{at:g}" for at in (1.5, 2, 3, 5, 10, 20)},
        is_logarithmic=True,
    )
    plot = Plot(x=x, y=Axis("time until it is found, mean", 15, 3600, times, is_logarithmic=True))
    lines = (
        ("Kayenta", 0.0, Ink.PLAIN, "2 3", "Kayenta"),
        ("for: 5m", 0.0, Ink.OTHER, "7 3", "for: 5m"),
        ("Argo", 0.0, Ink.HARM, "7 3", "Argo"),
        ("gated, as shipped", 0.0, Ink.GATED, "7 3", "gated, while young"),
        ("gated", 0.0, Ink.GATED, "", "gated"),
    )
    drawn = [plot.frame()]
    for judge, since, ink, dash, name in lines:
        points = [
            (row["effect"], row["capped_seconds"])
            for row in measured.judge()["detections"]["rows"]
            if (row["judge"], row["since_seconds"], row["traffic"]) == (judge, since, "independent")
        ]
        drawn.append(plot.line(sorted(points), ink, dash=dash))
        drawn.append(plot.words(20, dict(points)[20.0], name, ink))
    return picture(
        "The worse a fault, the sooner it is found",
        "Mean time until a fault from the start is found, by its size, on independent traffic; what was missed counts"
        " as an hour. gated is the fastest from ×3 on; while a version counts as young it takes some minutes longer.",
        368,
        drawn,
    )


PICTURES: dict[str, Callable[[], str]] = {
    "peeking.svg": peeking,
    "odds.svg": odds,
    "outage.svg": outage,
    "proof.svg": proof,
    "buckets.svg": buckets,
    "found.svg": found,
    "flow.svg": flow.flow,
    "top.svg": terminal.picture,
}


def _by_minute(values: Iterable[float], step: int = 1) -> list[tuple[float, float]]:
    """Values of looks with their times, from 1 at the start; every so many of them."""
    return [(0.0, 1.0), *((scenes.minutes(at), value) for at, value in enumerate(values) if (at + 1) % step == 0)]


def _until(points: list[tuple[float, float]], level: float) -> list[tuple[float, float]]:
    """The points up to the first that reaches a level."""
    ends = next((at for at, (_, value) in enumerate(points) if value >= level), len(points) - 1)
    return points[: ends + 1]


def _slower(milliseconds: float) -> float:
    """Of requests with a log-normal latency, median 200 ms and p95 about 660 ms, how many percent take longer."""
    return 50 * math.erfc(math.log(milliseconds / 200) / (0.73 * math.sqrt(2)))
