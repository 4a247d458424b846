"""Calibrate: limits that would not have cried wolf, found by replaying what is known to have been healthy.

- `candidates`: the values that a limit, a tolerance or the drift floor could have instead.
- `search`: which of them would have been quiet enough.
- `proposal`: what came of it, as it is published.
- `patch`: the same as a change of the rule files, comments and all.
"""
