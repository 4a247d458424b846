"""One release: why its gate says what it says, with every rule's value, limit, evidence, outcome and freshness."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as model

from gated.model.units import Unit
from grafana import frame, panels, rollbacks, words

_CHOSEN = 'service="$service",environment="$environment"'
_LOWEST_ODDS = 0.001
"""Odds can fall without end while a version is healthy, and a logarithmic scale has no 0."""
_OUTCOME = words.number_of("gated_rule_outcome", "outcome", words.OUTCOMES, matchers=_CHOSEN, by="rule")


@dataclass(frozen=True, slots=True)
class _Measured:
    """Rules whose values are measured alike; each gets a panel of its own, in its unit.

    Args:
        variable: the hidden variable whose values are their names.
        title: of their row.
        units: a regular expression of what `gated_rule_info` calls the unit.
        unit: Grafana's name of it.
        meaning: what a value is.
    """

    variable: str
    title: str
    units: str
    unit: str
    meaning: str


_MEASURED = (
    _Measured(
        "share_rule",
        "Shares against their limits",
        Unit.RATIO.value,
        panels.SHARE,
        "A share: of requests that failed, or that were slower than the limit, as the rule is written.",
    ),
    _Measured(
        "duration_rule", "Durations against their limits", Unit.SECONDS.value, panels.SECONDS, "A duration in seconds."
    ),
    _Measured(
        "number_rule",
        "Counts and other numbers against their limits",
        f"{Unit.COUNT.value}|{Unit.NUMBER.value}",
        panels.NUMBER,
        "A count (firing alerts, failed probes), or a number whose unit only the rule's own query knows.",
    ),
)


def dashboard() -> model.Dashboard:
    """The dashboard."""
    return frame.dashboard(
        frame.RELEASE,
        "gated: one release",
        "Why the gate of one service in one environment says what it says: every rule's value against its limit, the "
        "evidence, and how fresh it is.",
        variables=[
            frame.query("service", "Service", "label_values(gated_release_info, service)"),
            frame.query(
                "environment", "Environment", 'label_values(gated_release_info{service="$service"}, environment)'
            ),
            *(_rules_measured(measured) for measured in _MEASURED),
        ],
        annotations=[
            _turned("Promote", "promote", words.GOOD),
            _turned("Hold", "hold", words.BLIND),
            _went_back(),
        ],
        rows=[_where_it_stands(), *(_against_limits(measured) for measured in _MEASURED), _evidence(), _freshness()],
    )


class _Mark(model.AnnotationQuery):
    """An annotation with what Grafana's Prometheus data source knows beyond the foundation's type."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "titleFormat": self.name, "textFormat": self._text, "step": "15s"}


def _mark(title: str, color: str, expression: str, text: str) -> build.AnnotationQuery:
    """A mark at every moment for which an expression has an answer.

    The expressions here are true for as long as what happened lies inside a window that is never shorter than the
    distance of two points, so that nothing is missed however much time is shown; Grafana draws points next to each
    other as one mark.
    """
    mark = build.AnnotationQuery()
    mark._internal = _Mark(text)  # noqa: SLF001 -- the builder makes no other type
    return mark.name(title).datasource(frame.DATASOURCE).enable(True).icon_color(color).expr(expression)


def _turned(title: str, verdict: str, color: str) -> build.AnnotationQuery:
    """A mark where a stage's verdict became this one."""
    series = f'gated_stage_verdict{{{_CHOSEN},verdict="{verdict}"}}'
    turned = f"max by (stage) ({series} == 1 and min_over_time({series}[$__rate_interval]) == 0)"
    return _mark(title, color, turned, "stage {{stage}}")


def _went_back() -> build.AnnotationQuery:
    """A mark where a release had to go back: one, however many stages its plan has.

    The time in the metric comes from the store, so neither a start of gated nor a missed scrape makes a second mark.
    """

    def of_each(times: str) -> str:
        return f"max by (version, cause, rule) ({times})"

    triggered = f"gated_rollback_triggered_timestamp_seconds{{{_CHOSEN}}}"
    before = of_each(f"last_over_time({triggered}[1h] offset $__rate_interval)")
    now = of_each(triggered)
    return _mark("Rollback", words.BAD, f"{now} unless {now} == {before}", "{{version}}: {{cause}} {{rule}}")


def _rules_measured(measured: _Measured) -> build.QueryVariable:
    rules = f'label_values(gated_rule_info{{{_CHOSEN},unit=~"{measured.units}"}}, rule)'
    return frame.hidden(frame.many(frame.query(measured.variable, measured.title, rules)))


def _where_it_stands() -> frame.Row:
    verdict = panels.word(
        "Verdict",
        "Of the present stage. A stage that was passed stays at promote; rollback never turns back.",
        words.number_of("gated_stage_verdict", "verdict", words.VERDICTS, matchers=_CHOSEN, by="service, environment"),
        words.VERDICTS,
    )
    outcome = panels.word("Worst outcome", "The worst of what its rules say now.", f"max({_OUTCOME})", words.OUTCOMES)
    look = panels.number(
        "Last look",
        "How long ago the rules were last evaluated. Nothing when the release has ended: nobody looks any more.",
        f"time() - max(gated_rule_last_evaluation_timestamp_seconds{{{_CHOSEN}}}\n"
        f'  and on (service, environment) gated_release_info{{{_CHOSEN},phase=~"{words.UNDER_WAY}"}})',
        unit=panels.SECONDS,
        steps=((None, words.GOOD), (60, words.BAD)),
    )
    blind = panels.number(
        "Blind for",
        "How long the present stage has been waiting for evidence that a rule does not have; 0 while it sees. When the "
        "plan's on_blind has passed, gated rolls back or calls a person.",
        f"time() - max(gated_stage_blind_since_timestamp_seconds{{{_CHOSEN}}}) or vector(0)",
        unit=panels.SECONDS,
        steps=((None, words.GOOD), (1, words.BLIND)),
    )
    names = {name: name for name in ("version", "baseline", "plan", "phase")}
    release = panels.rows(
        "Release",
        "The latest one of this service in this environment.",
        f"max by (version, baseline, plan, phase) (gated_release_info{{{_CHOSEN}}})",
        names,
        width=8,
    ).height(4)
    stages = panels.bands(
        "Verdict of every stage",
        "From the start of each stage on. After a rollback every stage of the plan says so.",
        words.number_of("gated_stage_verdict", "verdict", words.VERDICTS, matchers=_CHOSEN, by="stage"),
        "{{stage}}",
        words.VERDICTS,
    )
    outcomes = panels.bands(
        "Outcome of every rule",
        "ok: inside its limit on fresh evidence; pending: cannot say yet; no_data: the source had nothing to judge; "
        "error: the question was not answered; breach: past its limit for as long as the rule asks.",
        _OUTCOME,
        "{{rule}}",
        words.OUTCOMES,
    ).height(9)
    back = rollbacks.last(_CHOSEN, width=16).height(6)
    return frame.Row("Where it stands", [verdict, outcome, look, blind, release, stages, outcomes, _blind(), back])


def _blind() -> table.Panel:
    return panels.rows(
        "Blind rules, with the reason",
        "Which rules had no evidence at the last look, and why, also those that only warn. Empty is good.",
        f"max by (rule, reason) (gated_rule_blind{{{_CHOSEN}}})",
        {"rule": "rule", "reason": "reason"},
        width=8,
    ).height(6)


def _against_limits(measured: _Measured) -> frame.Row:
    def of_rule(metric: str) -> str:
        return (
            f'max by (rule) ({metric}{{{_CHOSEN},rule=~"${measured.variable}"}}'
            f' and on (service, environment, rule) gated_rule_info{{unit=~"{measured.units}"}})'
        )

    panel = (
        panels.lines(
            f"${measured.variable}",
            f"{measured.meaning} The dashed line is the limit; which side of it is the wrong one, the rule says. A "
            "rule that is judged against a baseline has a limit that moves with it. Without data: no rule of this plan "
            "is measured so.",
            [
                panels.over_time(of_rule("gated_rule_value"), "value"),
                panels.over_time(of_rule("gated_rule_limit"), "limit"),
            ],
            unit=measured.unit,
            width=24,
        )
        .repeat(measured.variable)
        .repeat_direction("h")
        .override_by_name("value", panels.colored(words.WAITING))
        .override_by_name("limit", panels.limit_line())
    )
    return frame.Row(measured.title, [panel])


def _evidence() -> frame.Row:
    odds = panels.logarithmic(
        "Evidence against the new version",
        "Odds that what a rule saw is no accident, on a logarithmic scale. Each sequential rule that rolls back "
        "shows its share, and the shares add up to the release's odds; at the limit the release goes back. Odds "
        f"below {_LOWEST_ODDS:g} are drawn there. Threshold rules have none.",
        [
            panels.over_time(
                f"clamp_min(max by (rule) (gated_rule_evidence{{{_CHOSEN}}}), {_LOWEST_ODDS:g})", "{{rule}}"
            ),
            panels.over_time(f"max(gated_rule_evidence_limit{{{_CHOSEN}}})", "limit"),
        ],
        lowest=_LOWEST_ODDS,
    ).override_by_name("limit", panels.limit_line())
    samples = panels.lines(
        "Samples",
        "Events that each rule's value rests on, requests as a rule.",
        [panels.over_time(f"max by (rule) (gated_rule_samples{{{_CHOSEN}}})", "{{rule}}")],
        unit=panels.NUMBER,
    )
    return frame.Row("Evidence", [odds, samples])


def _freshness() -> frame.Row:
    newest = "gated_evidence_newest_sample_timestamp_seconds"
    looked = "gated_rule_last_evaluation_timestamp_seconds"
    return frame.Row(
        "Freshness",
        [
            panels.lines(
                "Age of the newest sample",
                "How old the newest sample is that each rule rests on. Past the rule's max_sample_age it is blind.",
                [panels.over_time(f"time() - max by (rule) ({newest}{{{_CHOSEN}}})", "{{rule}}")],
                unit=panels.SECONDS,
            ),
            panels.lines(
                "Age of the last evaluation",
                "How long ago each rule was last evaluated: a saw-tooth as high as the evaluation interval.",
                [panels.over_time(f"time() - max by (rule) ({looked}{{{_CHOSEN}}})", "{{rule}}")],
                unit=panels.SECONDS,
            ),
        ],
    )
