"""The picture of docs/concepts.md: which way data flows through gated."""

from collections.abc import Iterable

from deploy.pictures.drawing import Ink, arrow, box, picture, words

_GAP = 17
_ROW = (30.0, 118.0, 206.0)
"""The upper edges of the three boxes of a column."""
_HEIGHT = 66.0


def flow() -> str:
    """Rules and readings in; verdicts, reasons and signals out."""
    drawn = [
        _named(16, _ROW[0], 158, "rule files", ("rules and plans,", "pinned per release")),
        _named(16, _ROW[1], 158, "Prometheus", ("counters, histograms,", "gauges, alerts")),
        _named(16, _ROW[2], 158, "probes", ("addresses that", "must answer")),
        _named(
            222,
            _ROW[0],
            150,
            "judge",
            ("readings", "→ outcome of each rule", "→ verdict of the stage", "→ reasons, signals"),
            242,
        ),
        _named(420, _ROW[0], 138, "store", ("one transaction:", "state and history,", "audit, signals"), 242),
        _named(606, _ROW[0], 138, "log, /metrics", ("signals, alerts,", "dashboards")),
        _named(606, _ROW[1], 138, "deploy tool", ("polls the verdict,", "claims the promote")),
        _named(606, _ROW[2], 138, "people", ("see why; pause,", "resume, abort")),
    ]
    for top in _ROW:
        middle = top + _HEIGHT / 2
        drawn += [arrow([(174, middle), (222, middle)], Ink.GATED), arrow([(558, middle), (606, middle)], Ink.GATED)]
    drawn.append(arrow([(372, _ROW[1] + _HEIGHT / 2), (420, _ROW[1] + _HEIGHT / 2)], Ink.GATED))
    drawn.append(arrow([(675, _ROW[2] + _HEIGHT), (675, 306), (489, 306), (489, 272)], Ink.PLAIN))
    drawn.append(words(476, 310, "what tools and people do, each with an actor", anchor="end", is_quiet=True))
    return picture(
        "Data flows in one direction",
        "Rule files, Prometheus and probes feed the judge, which turns readings into outcomes, a verdict and signals."
        " The store commits them in one transaction. From there deploy tools get the verdict, people the reasons, and"
        " log and metrics the signals. What tools and people do comes back to the store, with an actor.",
        326,
        drawn,
    )


def _named(left: float, top: float, width: float, name: str, lines: Iterable[str], height: float = _HEIGHT) -> str:
    """A box with its name and some quiet lines."""
    lines = tuple(lines)
    middle, begin = left + width / 2, top + height / 2 - _GAP * (len(lines) - 2) / 2
    told = [
        words(middle, begin + 6 + _GAP * number, line, anchor="middle", is_quiet=True)
        for number, line in enumerate(lines)
    ]
    return "\n".join([box(left, top, width, height), words(middle, top + 20, name, Ink.GATED, anchor="middle"), *told])
