"""gated itself: whether it looks, whether its sources answer, and whether what it decides is told."""

from grafana_foundation_sdk.models import dashboard as model

from grafana import frame, panels, words

_HERE = 'instance=~"$instance"'
_YES_NO = (words.Word("no", 0, words.BAD), words.Word("yes", 1, words.GOOD))
_OUTBOX_AGE = (
    f"max((time() - gated_outbox_oldest_timestamp_seconds{{{_HERE}}})"
    f" * (gated_outbox_oldest_timestamp_seconds{{{_HERE}}} > bool 0))"
)
"""0 when everything is told: the time stamp is 0 then, and its age would be half a century."""
_AGE_STEPS: panels.Steps = ((None, words.GOOD), (60, words.BLIND), (300, words.BAD))


def dashboard() -> model.Dashboard:
    """The dashboard."""
    # Service and environment mean nothing here; they are carried along so that the way back leads to the same ones.
    return frame.dashboard(
        frame.ITSELF,
        "gated: itself",
        "Whether gated looks when it should, whether its sources answer, and whether what it decides is told.",
        variables=[
            frame.many(frame.query("instance", "Instance", "label_values(gated_build_info, instance)"), all_value=".*"),
            *(frame.hidden(place) for place in frame.places()),
        ],
        rows=[_well(), _looks(), _sources(), _signals()],
    )


def _well() -> frame.Row:
    look = panels.number(
        "Last look",
        "How long ago the last evaluation began, of the instance that is furthest behind.",
        f"time() - min(gated_last_tick_timestamp_seconds{{{_HERE}}})",
        unit=panels.SECONDS,
        steps=((None, words.GOOD), (60, words.BAD)),
    )
    store = panels.word(
        "Store readable",
        "Whether the store answered the last scrape. Without it no release has a series.",
        f"min(gated_store_readable{{{_HERE}}})",
        _YES_NO,
    )
    rules = panels.word(
        "Rule files accepted",
        "Whether the last load of the rule files succeeded. After one that failed the rules before it stay in force.",
        f"min(gated_config_last_reload_successful{{{_HERE}}})",
        _YES_NO,
    )
    loaded = panels.number(
        "Rules loaded",
        "How long ago rule files were last loaded with success.",
        f"time() - min(gated_config_last_reload_success_timestamp_seconds{{{_HERE}}})",
        unit=panels.SECONDS,
    )
    outbox = panels.number(
        "Oldest untold signal",
        "How long the oldest signal has been waiting for its delivery; 0 when all are told.",
        _OUTBOX_AGE,
        unit=panels.SECONDS,
        steps=_AGE_STEPS,
    )
    skipped = panels.number(
        "Releases skipped",
        "How often an evaluation could not look at a release, in the time shown. The log says why.",
        f"sum(increase(gated_releases_skipped_total{{{_HERE}}}[$__range]))",
        steps=panels.BAD_ABOVE_ZERO,
    )
    runs = panels.rows(
        "What runs",
        "Version, interpreter, and the address the settings give; without one, links lead where Prometheus scrapes.",
        "max by (instance, version, python, external_url) (\n"
        f"  gated_build_info{{{_HERE}}} * on (job, instance) group_left (external_url) gated_config_info\n"
        ")",
        {"instance": "instance", "version": "version", "python": "Python", "external_url": "address"},
        width=24,
    ).height(4)
    return frame.Row("Is it well", [look, store, rules, loaded, outbox, skipped, runs])


def _looks() -> frame.Row:
    ticks = panels.lines(
        "Evaluations",
        "How many a second: one over the evaluation interval when all is well.",
        [panels.over_time(f"sum by (instance) (rate(gated_ticks_total{{{_HERE}}}[$__rate_interval]))", "{{instance}}")],
        unit=panels.PER_SECOND,
        width=8,
    )
    lost = panels.columns(
        "Evaluations that went wrong",
        "Missed: due and not begun in time. Failed: begun and not carried out. Skipped: a release that could not be "
        "looked at. A stage waits longer for its evidence after each.",
        [
            panels.over_time(f"sum(increase(gated_ticks_missed_total{{{_HERE}}}[$__rate_interval]))", "missed"),
            panels.over_time(f"sum(increase(gated_tick_failures_total{{{_HERE}}}[$__rate_interval]))", "failed"),
            panels.over_time(f"sum(increase(gated_releases_skipped_total{{{_HERE}}}[$__rate_interval]))", "skipped"),
        ],
        width=8,
    )
    for name, color in (("missed", words.BLIND), ("failed", words.BAD), ("skipped", "purple")):
        lost.override_by_name(name, panels.colored(color))
    took = panels.lines(
        "How long an evaluation took",
        "Half of them less than p50, all but one in a hundred less than p99. As long as the interval is too long.",
        panels.quantiles("gated_tick_duration_seconds", matchers=_HERE),
        unit=panels.SECONDS,
        width=8,
    )
    return frame.Row("Looking", [ticks, lost, took])


def _sources() -> frame.Row:
    asked = panels.lines(
        "Questions to sources",
        "Requests a second, by source. They grow with distinct expressions, not with releases.",
        [panels.over_time(f"sum by (source) (rate(gated_queries_total{{{_HERE}}}[$__rate_interval]))", "{{source}}")],
        unit=panels.REQUESTS,
        width=8,
    )
    failed = panels.columns(
        "Questions that were not answered",
        "By source and reason. Rules that rest on them are blind until an answer comes.",
        [
            panels.over_time(
                f"sum by (source, reason) (increase(gated_query_failures_total{{{_HERE}}}[$__rate_interval]))",
                "{{source}}: {{reason}}",
            )
        ],
        width=8,
    )
    took = panels.lines(
        "How long a source took",
        "By source: half of the answers took less than p50, all but one in a hundred less than p99.",
        panels.quantiles("gated_query_duration_seconds", matchers=_HERE, by="source"),
        unit=panels.SECONDS,
        width=8,
    )
    return frame.Row("Sources", [asked, failed, took])


def _signals() -> frame.Row:
    delivered = panels.columns(
        "Deliveries",
        "Attempts to deliver a signal, by endpoint and outcome. One that failed is tried again.",
        [
            panels.over_time(
                f"sum by (endpoint, outcome) (increase(gated_deliveries_total{{{_HERE}}}[$__rate_interval]))",
                "{{endpoint}}: {{outcome}}",
            )
        ],
    )
    delivered.override_by_regexp("/: delivered$/", panels.colored(words.GOOD))
    delivered.override_by_regexp("/: failed$/", panels.colored(words.BAD))
    outbox = panels.lines(
        "Age of the oldest untold signal",
        "How long the oldest signal has been waiting for its delivery. Growing without end: an endpoint takes nothing.",
        [panels.over_time(_OUTBOX_AGE, "oldest")],
        unit=panels.SECONDS,
    )
    return frame.Row("Signals", [delivered, outbox])
