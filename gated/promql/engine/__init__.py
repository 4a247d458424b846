"""A small PromQL engine over series in memory: what gated itself asks, and simple expressions of users.

- `series`: a series with its samples, stale markers included.
- `windows`: functions over the samples of a range.
- `vectors`: aggregations, and operations between vectors.
- `evaluate`: an expression at an instant.

It follows Prometheus where it matters, extrapolation included, and refuses what it does not know: an answer it gives is
the one Prometheus would give.
"""
