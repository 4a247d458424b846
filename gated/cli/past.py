"""What commands that look into the past have in common: the configured sources, the rules, and who remembers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from gated.cli.api import Failed
from gated.cli.check import line
from gated.cli.exits import Exit
from gated.daemon import settings as configuration
from gated.daemon.settings import Settings
from gated.model.errors import GatedError, InvalidInput, NotFound, Unavailable
from gated.model.ids import PlanName
from gated.model.plan import Policy
from gated.operations.replay.rehearsal import LeftOut, replayable
from gated.rulebook import load as rule_files
from gated.rulebook.fault import Fault
from gated.sources.history import History
from gated.sources.settings import SourceKind


@dataclass(frozen=True, slots=True)
class Past:
    """Where the past is kept, and what it is judged by.

    Args:
        config: the configuration file.
        interval_seconds: between two looks.
        rules: the rule files.
        policies: of every plan, what can be replayed.
        left_out: of every plan, the rules that cannot.
    """

    config: Path
    interval_seconds: float
    rules: tuple[Path, ...]
    policies: Mapping[PlanName, Policy]
    left_out: Mapping[PlanName, tuple[LeftOut, ...]]

    def policy(self, named: str | None) -> Policy:
        """The policy of a plan; without a name, of the only one.

        Raises:
            Failed: there is none of that name, or several and no name.
        """
        plans = ", ".join(sorted(self.policies)) or "none"
        if named is None and len(self.policies) == 1:
            return next(iter(self.policies.values()))
        if named is None:
            raise click.UsageError(f"say --plan; there is {plans}")
        if named not in self.policies:
            raise Failed(Exit.UNKNOWN, f"there is no plan {named!r} that could be replayed; there is {plans}")
        return self.policies[PlanName(named)]


def opened(config: Path, rules: Sequence[Path]) -> Past:
    """Read the configuration and the rules.

    Args:
        config: the configuration file.
        rules: rule files; those of the configuration when empty.

    Raises:
        Failed: they have errors, all of which are told.
    """
    settings = load(config)
    paths = tuple(rules) or settings.rules
    loaded = rule_files.load(paths, settings.answers)
    if loaded.rulebook is None:
        raise Failed(Exit.REFUSED, told(loaded.faults))
    remembering = {source.name for source in settings.sources if source.kind is SourceKind.PROMETHEUS}
    policies: dict[PlanName, Policy] = {}
    left_out: dict[PlanName, tuple[LeftOut, ...]] = {}
    for name, policy in loaded.rulebook.policies.items():
        try:
            policies[name], left_out[name] = replayable(policy, remembering)
        except NotFound:
            continue
    return Past(config, settings.evaluation_interval_seconds, paths, policies, left_out)


def load(config: Path) -> Settings:
    """Read the configuration.

    Raises:
        Failed: it has errors, all of which are told.
    """
    loaded = configuration.load(config)
    if loaded.settings is None:
        raise Failed(Exit.REFUSED, told(loaded.faults))
    return loaded.settings


def told(faults: Sequence[Fault]) -> str:
    """Faults as linters print theirs, below one another."""
    return "\n".join(line(fault) for fault in faults if fault.is_error)


def files(rules: Iterable[Path]) -> list[Path]:
    """Rule files, with those of directories."""
    return [
        file
        for path in rules
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file == path or (file.suffix in {".yaml", ".yml"} and file.is_file())
    ]


def failed(error: GatedError) -> Failed:
    """Why a look into the past failed, with its exit code."""
    match error:
        case Unavailable():
            return Failed(Exit.UNTRUSTED, str(error))
        case InvalidInput():
            return Failed(Exit.USAGE, str(error))
        case _:
            return Failed(Exit.REFUSED, str(error))


def complete_plans(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The plans of the rule files that stand on the line already, or of the configuration."""
    try:
        known = opened(Path(ctx.params.get("config") or "gated.yaml"), ctx.params.get("rules") or ())
    except Exception:  # noqa: BLE001 -- at a prompt there is nobody to read why
        return []
    return [name for name in sorted(known.policies) if name.startswith(incomplete)]


def history(config: Path, step_seconds: float) -> History:
    """The memory of the configured sources, at the multiples of a step.

    Args:
        config: the configuration file; read anew, for this is called in other processes as well.
        step_seconds: between two looks.
    """
    return History(load(config).sources, start=0.0, step_seconds=step_seconds)
