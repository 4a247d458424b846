"""A measure in the words of Prometheus: asked of the present, and of many instants of the past at once."""

from typing import assert_never

from gated.model.errors import InvalidInput
from gated.model.reading import (
    Buckets,
    CountHistory,
    Events,
    FiringAlerts,
    HttpProbe,
    Increase,
    Instant,
    Measure,
    Newest,
    Observations,
)
from gated.model.selection import Workload
from gated.promql import render
from gated.sources.counting import PROCESS
from gated.sources.grid import milliseconds
from gated.sources.grouping import Labels


def promql(measure: Measure, workload: Workload, by: Labels) -> str:
    """The expression to send; for events at the end of what is counted, for a history at the ends of its looks.

    Raises:
        InvalidInput: it cannot be put into words.
    """
    match measure:
        case Increase():
            return render.increase(measure.selector, measure.window_seconds, workload, by)
        case Buckets():
            return render.buckets(measure.histogram, measure.window_seconds, workload, by)
        case Events():
            return render.events(measure.selector, _seconds(measure), workload, by)
        case Observations():
            return render.observations(measure.histogram, _seconds(measure), workload, by)
        case CountHistory():
            return recorded(measure, measure.step_seconds, workload, by)
        case Instant():
            return render.narrow(measure.expression, workload, by)
        case Newest():
            return render.newest(measure.selector, workload, by)
        case FiringAlerts():
            return render.firing_alerts(measure.match, workload)
        case HttpProbe():
            raise InvalidInput("a probe is made by gated itself, not by Prometheus")
    assert_never(measure)


def recorded(measure: Measure, step_seconds: float, workload: Workload, by: Labels) -> str:
    """The expression to send for many looks of the past at once.

    Events become the values of the counters, process by process, from which `counting` has them.

    Args:
        measure: what is asked; the times in it do not matter.
        step_seconds: from look to look.
        workload: whose series; empty for all.
        by: the labels by which the answer is handed out.

    Raises:
        InvalidInput: it cannot be put into words.
    """
    match measure:
        case Events():
            return render.counter_values(measure.selector, step_seconds, workload, (*by, *PROCESS))
        case Observations():
            return render.bucket_values(measure.histogram, step_seconds, workload, (*by, *PROCESS))
        case CountHistory():
            by = (*by, *filter(None, (measure.by,)), *PROCESS)
            return render.counter_values(measure.selector, step_seconds, workload, by, measure.at_most)
        case _:
            return promql(measure, workload, by)


def _seconds(measure: Events | Observations) -> float:
    """How long the stretch is by the server's clock, which counts milliseconds."""
    return (milliseconds(measure.until) - milliseconds(measure.since)) / 1000
