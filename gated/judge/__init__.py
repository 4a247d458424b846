"""Verbs: pure decisions. Values in, values out; `now` is an argument.

Nothing here knows a clock, a socket, a logger, a random number or a third-party package. The live tick and any
replay over history call the same functions, so what was rehearsed is what runs.

- `kinds/`: one module per rule kind: what to ask, and what the answers say at this moment.
- `rules`: one look at one rule: holds (`for:`), warm-up, grace, coverage.
- `stage`: from the rules' outcomes to the stage's verdict.
- `lifecycle`: which event may happen in which phase.
- `queries`: everything that must be asked for a release.
- `decide`: one look at one release.
- `commands`: what people and deploy tools may do to a release.
- `present`: what a poll is shown at a given moment.
"""
