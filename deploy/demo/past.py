"""The service's past: an hour of samples from before the demo began.

A gate that starts beside a running service finds history. It learns from it how unsteady the service is when nothing is
wrong, and needs that to be quick; so the demo's Prometheus is given an hour of three healthy instances.
"""

import bisect
import random
from collections.abc import Iterator

from deploy.demo import service
from deploy.demo.workload import SERVICE

HOUR_SECONDS = 3600
_INSTANCES = ("checkout-a", "checkout-b", "checkout-c")
_REQUESTS_PER_SECOND = 50


def openmetrics(version: str, until: float) -> str:
    """An hour of one sample per second.

    Args:
        version: the version that ran.
        until: the time of the last sample, Unix seconds.

    Returns:
        What `backfill` takes.
    """
    counts = [_Instance(name) for name in _INSTANCES]
    requests: list[str] = []
    durations: list[str] = []
    for second in range(HOUR_SECONDS):
        at = round(until) - HOUR_SECONDS + second
        for instance in counts:
            instance.serve()
            labels = (
                f'job="service",instance="{instance.name}",service="{SERVICE}",version="{version}",'
                'handler="/checkout",method="GET"'
            )
            requests += [f'http_requests_total{{{labels},code="{code}"}} {n} {at}' for code, n in instance.codes]
            durations += [
                f'http_request_duration_seconds_bucket{{{labels},le="{bound}"}} {n} {at}'
                for bound, n in instance.buckets
            ]
            durations.append(f"http_request_duration_seconds_count{{{labels}}} {instance.total} {at}")
    families = [
        "# TYPE http_requests counter",
        *_in_series(requests),
        "# TYPE http_request_duration_seconds histogram",
        *_in_series(durations),
    ]
    return "\n".join([*families, "# EOF", ""])


class _Instance:
    """One instance's counters, with the habits of `service`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        self._failed = 0
        self._within = [0] * (len(service.BUCKETS_SECONDS) + 1)
        self._random = random.Random(name)  # noqa: S311 -- a simulation

    def serve(self) -> None:
        """One second of requests."""
        chance = self._random
        for _ in range(round(chance.gauss(_REQUESTS_PER_SECOND, _REQUESTS_PER_SECOND**0.5))):
            seconds = chance.lognormvariate(0, service.SIGMA) * service.MEDIAN_SECONDS
            self._within[bisect.bisect_left(service.BUCKETS_SECONDS, seconds)] += 1
            self._failed += chance.random() < service.ERROR_RATIO
            self.total += 1

    @property
    def codes(self) -> list[tuple[str, int]]:
        return [("200", self.total - self._failed), ("500", self._failed)]

    @property
    def buckets(self) -> Iterator[tuple[str, int]]:
        so_far = 0
        for bound, n in zip([*service.BUCKETS_SECONDS, "+Inf"], self._within, strict=True):
            so_far += n
            yield str(bound), so_far


def _in_series(lines: list[str]) -> list[str]:
    """The samples of each series together, as the format wants them; their order in time stays."""
    return sorted(lines, key=lambda line: line.partition("}")[0])
