"""A replay as one page: a file that needs nothing else, no script, no font, no server. Pure: a report in, HTML out."""

from collections.abc import Iterable, Iterator
from html import escape

from gated.cli.replay_text import ending, interval, said, sentence, title
from gated.cli.text import duration, instant, printable
from gated.model.units import Unit, format_quantity
from gated.operations.drawing import Curve, Drawing
from gated.operations.replay.report import ReplayReport
from gated.operations.replay.results import Ending, Replayed
from gated.operations.replay.totals import RuleTotal, Totals
from gated.server import plots
from gated.server.plots import Mark

_DRAWN = 60
"""Rollouts that are drawn at most; a page with more is no pleasure to scroll."""
_LISTED = 400
"""Rollouts that are listed at most; the JSON has all of them."""
_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1d2433; --faint: #667085; --line: #d0d5dd; --soft: #f4f5f7;
  --value: #175cd3; --odds: #6941c6; --bad: #b42318; --onset: #b54708;
  --pending: #d6e4fb; --promote: #b7e4c7; --hold: #fbe3a8; --rollback: #f6b8b1; --none: #e4e7ec; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161f; --ink: #e6e9ef; --faint: #98a2b3; --line: #344054;
  --soft: #1b2130; --value: #84adff; --odds: #bdb4fe; --bad: #fda29b; --onset: #fdb022;
  --pending: #22406f; --promote: #1f5a38; --hold: #6b5410; --rollback: #7a271a; --none: #2b3344; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 1.1rem 0 .1rem; } p { margin: .3rem 0; }
.faint { color: var(--faint); font-size: .9em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 500; font-size: .85em; white-space: nowrap; }
td.number { white-space: nowrap; } code { font-size: .9em; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .8rem 0; padding: .2rem .9rem .6rem; }
summary { cursor: pointer; padding: .5rem 0; font-weight: 550; } svg { display: block; width: 100%; height: auto; }
svg.bar { width: 120px; height: 14px; } svg text { font: 11px system-ui, sans-serif; fill: var(--faint); }
path { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.value { stroke: var(--value); } .odds { stroke: var(--odds); }
.limit { stroke: var(--bad); stroke-dasharray: 5 4; stroke-width: 1.2; }
.area { fill: var(--value); opacity: .14; stroke: none; }
line.stage { stroke: var(--line); } line.tick { stroke: var(--faint); }
line.onset { stroke: var(--onset); stroke-width: 1.5; stroke-dasharray: 2 3; }
line.breach { stroke: var(--bad); stroke-width: 1.5; } .range { fill: var(--line); } .dot { fill: var(--value); }
.v-pending { fill: var(--pending); background: var(--pending); }
.v-promote { fill: var(--promote); background: var(--promote); }
.v-hold { fill: var(--hold); background: var(--hold); }
.v-rollback { fill: var(--rollback); background: var(--rollback); }
.v-none { fill: var(--none); background: var(--none); }
.key { border-radius: 4px; padding: .1rem .5rem; margin-right: .4rem; font-size: .85em; }
ol { list-style: none; margin: .3rem 0; padding: 0; } ol time { color: var(--faint); margin-right: .8rem;
  font-variant-numeric: tabular-nums; }
@media print { details { break-inside: avoid; } }
"""


def page(report: ReplayReport) -> str:
    """The page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>gated replay</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(_sections(report)) + "\n</body>\n</html>\n"
    )


def _sections(report: ReplayReport) -> Iterator[str]:
    yield f"<header><h1>Replay of {_count(len(report.releases), 'rollout')}</h1>{_head(report)}</header>"
    yield f"<section><h2>Rules</h2>{_rules(report.totals)}{_left_out(report)}</section>"
    yield f"<section><h2>Rollouts</h2>{_rollouts(report)}</section>"
    drawn = [each for each in report.releases if each.drawing is not None]
    if drawn:
        stories = "\n".join(_story(each, is_open=len(drawn) <= 3) for each in drawn[:_DRAWN])  # noqa: PLR2004 -- few
        more = f"<p>… and {len(drawn) - _DRAWN} more; they are in the JSON.</p>" if len(drawn) > _DRAWN else ""
        yield f"<section><h2>Look by look</h2>{plots.legend()}{stories}{more}</section>"


def _head(report: ReplayReport) -> str:
    plans = "; ".join(f"{plan.plan}, policy {plan.policy_digest[:19]}…" for plan in report.plans)
    cost = f"{report.totals.looks:,} looks, every {duration(report.interval_seconds)}"
    return (
        f"<p>{_safe(sentence(report.totals))}.</p>"
        f'<p class="faint">{_safe(plans)} · {cost} · judged by gated {_safe(report.gated)}</p>'
    )


def _rules(totals: Totals) -> str:
    most = max((rule.breached.high for rule in totals.rules), default=0.0) or 1.0
    head = (
        "rule",
        "on breach",
        "in breach",
        "",
        "share, 95 % interval",
        "went back",
        "held",
        "median time",
        "blind looks",
    )
    return _table(head, (_rule(rule, most) for rule in totals.rules))


def _rule(rule: RuleTotal, most: float) -> tuple[str, ...]:
    seen = rule.breached
    return (
        _safe(rule.rule),
        rule.on_breach.value,
        f"{seen.count:,} of {seen.of:,}",
        plots.bar(seen.low, seen.share, seen.high, most),
        _safe(interval(seen)),
        f"{rule.caused:,}",
        f"{rule.held:,}",
        duration(rule.median_seconds_to_breach),
        format_quantity(rule.blind_share, Unit.RATIO),
    )


def _left_out(report: ReplayReport) -> str:
    lines = dict.fromkeys(
        f"{each.rule} was not replayed: {each.reason}." for plan in report.plans for each in plan.left_out
    )
    return "".join(f'<p class="faint">{_safe(line)}</p>' for line in lines)


def _rollouts(report: ReplayReport) -> str:
    """Those that were not simply promoted first, for they are what is looked for."""
    in_order = sorted(report.releases, key=lambda each: each.ending is Ending.COMPLETED)
    rows = (
        (instant(each.opened_at), _safe(each.service), _safe(each.version), _safe(each.instance), _safe(ending(each)))
        for each in in_order[:_LISTED]
    )
    shown = _table(("began", "service", "version", "instance", "ending"), rows)
    left = len(in_order) - _LISTED
    return shown + (f"<p>… and {left:,} more; they are in the JSON.</p>" if left > 0 else "")


def _story(replayed: Replayed, *, is_open: bool) -> str:
    drawing = replayed.drawing
    events = "".join(
        f"<li><time>{instant(each.at)}</time>{_safe(each.stage)}: {_safe(said(each))}</li>"
        for each in replayed.audit
        if said(each)
    )
    drawn = (
        ""
        if drawing is None
        else plots.band(drawing, _marks(replayed), replayed.service) + "".join(_plots(replayed, drawing))
    )
    return (
        f"<details{' open' if is_open else ''}><summary>{_safe(title(replayed))}</summary>"
        f"<ol>{events}</ol>{drawn}</details>"
    )


def _plots(replayed: Replayed, drawing: Drawing) -> Iterator[str]:
    for curve in drawing.curves:
        yield f"<h3>{_safe(curve.rule)}</h3>{_reason(replayed, curve)}"
        marks = (*_marks(replayed), *_breach(replayed, curve))
        yield plots.values(drawing, curve, marks)
        yield plots.odds(drawing, curve, marks)


def _marks(replayed: Replayed) -> list[Mark]:
    """Where stages began, and the onset."""
    marks = [("stage", stage.started_at, f"{stage.stage} began") for stage in replayed.stages]
    marks.append(("onset", replayed.onset_at, "onset of the known fault"))
    return [Mark(kind, at.timestamp(), what) for kind, at, what in marks if at is not None]


def _breach(replayed: Replayed, curve: Curve) -> Iterator[Mark]:
    told = next((rule for rule in replayed.rules if rule.rule == curve.rule), None)
    if told is not None and told.breached_at is not None:
        yield Mark("breach", told.breached_at.timestamp(), "breach")


def _reason(replayed: Replayed, curve: Curve) -> str:
    told = next((rule for rule in replayed.rules if rule.rule == curve.rule), None)
    learned = f" · {told.learned.note}" if told is not None and told.learned is not None else ""
    return f'<p class="faint">{_safe(told.reason + learned)}</p>' if told is not None else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{each}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _safe(text: str) -> str:
    """A text from outside, as text."""
    return escape(printable(text))
