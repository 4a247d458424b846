"""Rules on trial: a world that is written down, a release in it, and what the rules say of it.

The same `queries_for`, `decide` and `commands` as in the daemon, with scripted series for eyes and a clock that does
not wait.

- `world`: a case to the series, probes and alerts that sources would see.
- `run`: one release watched through a case, look by look.
- `finding`: what was said, against what was expected.
- `stand`: where a case is run, in memory or on a Prometheus of its own.
"""
