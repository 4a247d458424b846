"""The digest of a policy: equal exactly when plan and rules mean the same, however the files spell them."""

import enum
import hashlib
import json
from dataclasses import asdict

from gated.model.plan import Plan, Policy
from gated.model.rule import Rule


def policy(plan: Plan, rules: tuple[Rule, ...]) -> Policy:
    """A plan with its rules, and the digest of both.

    The digest is `sha256:` and the hash of canonical JSON: every field of the model by name, sorted, enums by their
    text. Formatting, comments, the order of files and descriptions do not enter it.

    Args:
        plan: the plan.
        rules: its rules, in the plan's order.
    """
    meaning = {"plan": asdict(plan), "rules": [asdict(rule) for rule in rules]}
    canonical = json.dumps(meaning, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_text)
    return Policy(plan, rules, f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}")


def _text(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value.value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
