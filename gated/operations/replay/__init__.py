"""Replay: a rule set over the past, as if the gate had been there.

The same `queries_for`, `decide` and `commands` as in the daemon, with recorded history for eyes and a clock that does
not wait. What was rehearsed is what runs.

- `rehearsal`: the rollouts of the past that are played again, real ones and made-up ones.
- `releases_file`: real ones, as people write them down.
- `recorded`: real ones, as a gate remembers them.
- `rolling`: made-up ones: one instance of the version that ran stands for a new version.
- `others`: what all instances but one did, asked so that many questions share a request.
- `course`: one rollout under way.
- `run`: many of them, look by look.
- `crew`: the same in several processes.
- `results`: what came of each, as it is kept and published.
- `totals`: what came of all.
- `report`: all of it in one document, and whether it is what was expected.
- `whole`: the whole of it, from rollouts to results.
- `state`: the file that lets an interrupted replay go on.
"""
