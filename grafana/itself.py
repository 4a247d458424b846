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
_SHORTEST = 0.001
"""Seconds. Half of the evaluations are never shown as shorter than half of the histogram's first bucket, 0.0025."""
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
        rows=[_well(), _looks(), _sources(), _signals(), _process()],
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
        "Store",
        "Whether it answered the last scrape and took a write after the last evaluation. Unreadable, it leaves "
        "releases without series; while it takes no writes, nothing is promoted and nothing is rolled back.",
        f"min(gated_store_readable{{{_HERE}}} * (1 + gated_store_writable))",
        (
            words.Word("unreadable", 0, words.BAD),
            words.Word("takes no writes", 1, words.BAD),
            words.Word("reads, writes", 2, words.GOOD),
        ),
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
    interval = f"gated_evaluation_interval_seconds{{{_HERE}}}"
    ticks = panels.lines(
        "Evaluations",
        "How many a second; the dashed line is one for every evaluation interval. A stage is not promoted on less than "
        "nine tenths of them.",
        [
            panels.over_time(
                f"sum by (instance) (rate(gated_ticks_total{{{_HERE}}}[$__rate_interval]))", "{{instance}}"
            ),
            panels.over_time(f"max(1 / {interval})", "due"),
        ],
        unit=panels.PER_SECOND,
        width=8,
    ).override_by_name("due", panels.limit_line())
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
    took = panels.logarithmic(
        "How long an evaluation took",
        "Half of them less than p50, all but one in a hundred less than p99, on a logarithmic scale. The dashed line "
        "is the evaluation interval: one that takes as long is too long, and the next is missed.",
        [
            *panels.quantiles("gated_tick_duration_seconds", matchers=_HERE),
            panels.over_time(f"min({interval})", "interval"),
        ],
        lowest=_SHORTEST,
        unit=panels.SECONDS,
        width=8,
    ).override_by_name("interval", panels.limit_line())
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


def _process() -> frame.Row:
    """Every job has these metrics; those of gated are of the instances that have a version of gated."""

    def ours(series: str) -> str:
        return f"max by (instance) ({series} and on (job, instance) gated_build_info{{{_HERE}}})"

    busy = panels.lines(
        "Processor",
        "Of one core, the share that gated's process uses.",
        [panels.over_time(ours("rate(process_cpu_seconds_total[$__rate_interval])"), "{{instance}}")],
        unit=panels.SHARE,
        width=6,
    )
    memory = panels.lines(
        "Resident memory",
        "Of gated's process. It grows with the releases under way, not with time.",
        [panels.over_time(ours("process_resident_memory_bytes"), "{{instance}}")],
        unit=panels.BYTES,
        width=6,
    )
    opened = panels.lines(
        "Open files",
        "Files and connections, as a share of the most that the process may have open. Every poll that waits is one.",
        [panels.over_time(ours("process_open_fds / process_max_fds"), "{{instance}}")],
        unit=panels.SHARE,
        width=6,
    )
    age = panels.lines(
        "Age of the process",
        "How long ago gated was started. Every fall to 0 is a restart.",
        [panels.over_time(ours("time() - process_start_time_seconds"), "{{instance}}")],
        unit=panels.SECONDS,
        width=6,
    )
    return frame.Row("The process", [busy, memory, opened, age])
