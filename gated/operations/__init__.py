"""What may be done to a release, and read of it.

Each operation takes an actor and the time, calls the judge, and commits once. Nothing is decided here, and nothing
is told to anybody before its transaction has committed.

- `gate`: the store, the pinned policies and the one way to change a release.
- `releases`: what people and deploy tools do.
- `tick`: what the clock does.
- `views`: what can be read, as `documents`, the published shapes.
"""
