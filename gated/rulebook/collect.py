"""Documents to rules and plans, each on its own, so that a fault in one hides nothing in another."""

from collections.abc import Iterable

from gated.model.ids import PlanName, RuleName
from gated.model.plan import Plan
from gated.model.rule import Rule
from gated.rulebook.document import Document
from gated.rulebook.entry import bind
from gated.rulebook.fault import Fault, KeyPath
from gated.rulebook.found import Collected, Found
from gated.rulebook.plans import PlanEntry
from gated.rulebook.rules import KINDS
from gated.rulebook.schema import FileHead
from gated.rulebook.spelling import describe, suggest


def collect(documents: Iterable[Document]) -> tuple[Collected, list[Fault]]:
    """Read every rule and every plan.

    Args:
        documents: the files, in order; of two rules or plans of one name the first counts.

    Returns:
        What was found, and the faults of the files and of each rule and plan by itself.
    """
    rules: dict[RuleName, Found[Rule]] = {}
    plans: dict[PlanName, Found[Plan]] = {}
    faults: list[Fault] = []
    documents = tuple(documents)
    for document in documents:
        faults += document.faults
        faults += bind(document, (), FileHead)[1]
        for key in document.mapping("rules"):
            name = RuleName(key)
            rule, of_rule = _rule(document, name)
            faults += [*of_rule, *_taken("rule", rule, rules.get(name))]
            rules.setdefault(name, rule)
        for key in document.mapping("plans"):
            plan_name = PlanName(key)
            plan, of_plan = _plan(document, plan_name)
            faults += [*of_plan, *_taken("plan", plan, plans.get(plan_name))]
            plans.setdefault(plan_name, plan)
    return Collected(documents, rules, plans), faults


def _rule(document: Document, name: RuleName) -> tuple[Found[Rule], list[Fault]]:
    path = ("rules", name)
    node = document.at(path)
    kind = node.get("kind") if isinstance(node, dict) else None
    if isinstance(kind, str) and kind in KINDS:
        entry, faults = bind(document, path, KINDS[kind])
        return Found(document, path, entry.to_rule(name) if entry else None), faults
    where: KeyPath = path
    if not isinstance(node, dict):
        message = f"{describe(node)} where a mapping is due; a rule starts with its kind"
    elif kind is None:
        message = "kind is missing"
    else:
        where = (*path, "kind")
        shown = repr(kind) if isinstance(kind, str) else describe(kind)
        message = f"{shown} is not a kind of rule{suggest(str(kind), KINDS)}"
    fault = document.fault(where, f"{message}; allowed: {', '.join(KINDS)}")
    return Found(document, path, None), [] if where in document.gaps else [fault]


def _plan(document: Document, name: PlanName) -> tuple[Found[Plan], list[Fault]]:
    path = ("plans", name)
    entry, faults = bind(document, path, PlanEntry)
    return Found(document, path, entry.to_plan(name) if entry else None), faults


def _taken(noun: str, second: Found[Rule] | Found[Plan], first: Found[Rule] | Found[Plan] | None) -> list[Fault]:
    if first is None:
        return []
    message = f"a {noun} of this name is already at {first.place}; names are unique over all files"
    return [second.document.fault(second.path, message, at_key=True)]
