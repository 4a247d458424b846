"""All gates now: what they say, which are blind, how releases end, and how soon harm is found."""

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table
from grafana_foundation_sdk.models import dashboard as model

from grafana import frame, panels, rollbacks, words

_CHOSEN = 'service=~"$service",environment=~"$environment"'
_INFO = "service, environment, version, baseline, plan, phase"
_VERDICT = words.number_of(
    "gated_stage_verdict", "verdict", words.VERDICTS, matchers=_CHOSEN, by="service, environment"
)
_UNDER_WAY = f'gated_release_info{{{_CHOSEN},phase=~"{words.UNDER_WAY}"}}'
_BLIND_SINCE = f"max by (service, environment, stage) (gated_stage_blind_since_timestamp_seconds{{{_CHOSEN}}})"
_RULE_ROLLBACKS = f"increase(gated_rollbacks_triggered_total{{{_CHOSEN}}}[$__range])"


def dashboard() -> model.Dashboard:
    """The dashboard."""
    return frame.dashboard(
        frame.OVERVIEW,
        "gated: all gates",
        "What every gate says now, which ones are blind, how releases end and how soon harm is found.",
        variables=frame.places(),
        rows=[_now(), _ends(), _whole()],
    )


def _now() -> frame.Row:
    counts = [_gates_that_say(verdict) for verdict in reversed(words.VERDICTS)]
    blind = panels.number(
        "Blind stages",
        "Stages that wait for evidence that a rule does not have. None of them promotes, and harm is not seen.",
        f"count({_BLIND_SINCE}) or vector(0)",
        steps=((None, words.GOOD), (1, words.BLIND)),
    )
    look = panels.number(
        "Last look",
        "How long ago gated last evaluated its releases. Longer than a few evaluation intervals: see gated itself.",
        "time() - max(gated_last_tick_timestamp_seconds)",
        unit=panels.SECONDS,
        steps=((None, words.GOOD), (60, words.BAD)),
    )
    return frame.Row("Now", [*counts, blind, look, _gates(), _timeline(), _blind_stages(), _rollbacks()])


def _gates_that_say(verdict: words.Word) -> stat.Panel:
    meaning = {
        "promote": "may go on: fresh and complete evidence speaks for the new version",
        "pending": "are collecting evidence",
        "hold": "do not go on: the gate is blind, paused, or the evidence stayed inconclusive",
        "rollback": "go back",
    }[verdict.text]
    return panels.number(
        verdict.text.capitalize(),
        f"Releases under way that {meaning}.",
        f"count(({_VERDICT} and on (service, environment) {_UNDER_WAY}) == {verdict.number}) or vector(0)",
        steps=((None, words.BARE), (1, verdict.color)),
    )


def _gates() -> table.Panel:
    """Releases whose first stage has not started have no verdict and are listed all the same."""
    info = f"max by ({_INFO}) (gated_release_info{{{_CHOSEN}}})"
    group = "on (service, environment) group_left (version, baseline, plan, phase)"
    made = panels.rows(
        "Gates",
        "The latest release of every service and environment with the verdict of its present stage; a release that has "
        "ended stays for an hour. The service leads to its dashboard and to gated's status page.",
        f"{_VERDICT}\n* {group} {info}\nor on (service, environment) {words.NO_STAGE.number} * {info}",
        {
            "service": "service",
            "environment": "environment",
            "version": "version",
            "baseline": "baseline",
            "plan": "plan",
            "phase": "phase",
            "Value": "verdict",
        },
        width=24,
    )
    return made.override_by_name("verdict", panels.word_cell((words.NO_STAGE, *words.VERDICTS))).override_by_name(
        "service", _links("__data.fields")
    )


def _links(known: str) -> list[model.DynamicConfigValue]:
    """Where a release leads: to its dashboard, and to what gated itself says of it.

    Args:
        known: where the panel has service and environment, by Grafana's name.
    """
    service, environment = (f"${{{known}.{name}:percentencode}}" for name in ("service", "environment"))
    return panels.links(
        {
            "This release": frame.dashboard_url(frame.RELEASE, service, environment),
            "Status page": frame.page_url(service, environment),
        }
    )


def _timeline() -> statetimeline.Panel:
    return panels.bands(
        "Verdicts over time",
        "What every gate said, by service and environment: the verdict of the stage that was present then.",
        _VERDICT,
        "{{service}} {{environment}}",
        words.VERDICTS,
    ).override_by_regexp("/.*/", _links("__field.labels"))


def _blind_stages() -> table.Panel:
    # One number per service, whatever two instances say in the moment in which a stage follows another.
    blind_for = f"topk by (service, environment) (1, time() - {_BLIND_SINCE})"
    return panels.rows(
        "Blind stages, since when and why",
        "The stages that wait for evidence, the rules without any, and for how long the stage has been blind. When the "
        "plan's on_blind has passed, gated rolls back or calls a person. Empty is good.",
        f"max by (service, environment, rule, reason) (gated_rule_blind{{{_CHOSEN}}})\n"
        f"* on (service, environment) group_left (stage) {blind_for}",
        {name: name for name in ("service", "environment", "stage", "rule", "reason")} | {"Value": "blind for"},
        unit=panels.SECONDS,
        width=24,
    ).override_by_name("service", _links("__data.fields"))


def _rollbacks() -> table.Panel:
    last = rollbacks.last(_CHOSEN, named=("service", "environment"), width=24)
    return last.override_by_name("service", _links("__data.fields"))


def _ends() -> frame.Row:
    def ended(phases: str) -> str:
        seen = f'present_over_time(gated_release_info{{{_CHOSEN},phase=~"{phases}"}}[$__range])'
        return f"max by ({_INFO}) ({seen})"

    every = "|".join(word.text for word in words.ENDED)
    failures = panels.number(
        "Change-failure rate",
        "Of the releases that ended in the time shown, the share that was rolled back. One release of a version "
        "along a plan counts once; a superseded one never came to its end and does not count.",
        f"(count({ended('rolled_back')}) or vector(0)) / count({ended(every)})",
        unit=panels.SHARE,
        steps=((None, words.GOOD), (0.15, words.BLIND), (0.3, words.BAD)),
    ).height(6)
    ways = panels.bars(
        "How releases ended",
        "Releases that ended in the time shown: completed, rolled back, or aborted by a person.",
        [panels.now(f"count by (phase) ({ended(every)})", "{{phase}}")],
    )
    for word in words.ENDED:
        ways.override_by_name(word.text, panels.colored(word.color))
    triggered = panels.number(
        "Rollbacks that rules triggered",
        "How many in the time shown. Those by people and by blindness are not among them.",
        f"sum({_RULE_ROLLBACKS}) or vector(0)",
        steps=panels.BAD_ABOVE_ZERO,
    ).height(6)
    return frame.Row("How releases end", [failures, triggered, ways, _detection()])


def _detection() -> bargauge.Panel:
    found = "gated_detection_seconds"
    return panels.bars(
        "Time to detect",
        "From the first look that saw harm to the rollback signal, over the rollbacks in the time shown, of all "
        "services. Half of them were faster than p50; a quantile is no finer than the buckets of the histogram.",
        [
            *(
                panels.now(
                    f"histogram_quantile({share}, sum by (le) (increase({found}_bucket[$__range])))",
                    f"p{share * 100:.0f}",
                )
                for share in (0.5, 0.95)
            ),
            panels.now(f"sum(increase({found}_sum[$__range])) / sum(increase({found}_count[$__range]))", "mean"),
        ],
        unit=panels.SECONDS,
    )


def _whole() -> frame.Row:
    active = panels.lines(
        "Releases under way",
        "How many, by phase. Baking: a stage is running; between: it was promoted and the next has not started; "
        "recovering: rolled back, and watched until the service is well again.",
        [panels.over_time("sum by (phase) (gated_releases_active)", "{{phase}}")],
        unit=panels.NUMBER,
    ).decimals(0)
    for phase, color in words.PHASE_COLORS.items():
        active.override_by_name(phase.value, panels.colored(color))
    decisions = panels.columns(
        "Decisions",
        "Stages that ended, by how and why: promoted on evidence; rolled back by a rule, by blindness or by a person; "
        "aborted; superseded by another version.",
        [
            panels.over_time(
                "sum by (decision, reason) (increase(gated_decisions_total[$__rate_interval]))",
                "{{decision}} ({{reason}})",
            )
        ],
    )
    for pattern, color in (("/^promoted/", words.GOOD), ("/^aborted/", words.BLIND), ("/^superseded/", words.WAITING)):
        decisions.override_by_regexp(pattern, panels.colored(color))
    for reason, color in (("rule", words.BAD), ("blind", "dark-orange"), ("person", "dark-red")):
        decisions.override_by_name(f"rolled_back ({reason})", panels.colored(color))
    return frame.Row("All of gated, whatever is chosen above", [active, decisions])
