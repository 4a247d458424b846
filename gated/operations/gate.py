"""The one way to change a release: read it, let the judge make the next state, write it if nobody was faster."""

from collections.abc import Callable, Sequence

from gated.judge.present import VALID_LOOKS
from gated.model.errors import Conflict
from gated.model.ids import ReleaseId
from gated.model.plan import Policy
from gated.model.release import Release
from gated.model.step import Step
from gated.store.errors import ReleaseChanged
from gated.store.repository import Store

_ATTEMPTS = 5
"""How often a change is made anew on a newer state. Rivals are a tick and a few requests; five is never reached."""


class Gate:
    """The store, the policies releases are pinned to, and who listens to what was committed.

    Safe to use from several threads.

    Args:
        store: durable state.
        interval_seconds: how far apart looks are meant to be.
        listeners: called with every step after its transaction has committed; they must not raise.
    """

    def __init__(
        self, store: Store, *, interval_seconds: float, listeners: Sequence[Callable[[Step], None]] = ()
    ) -> None:
        self.store = store
        self.interval_seconds = interval_seconds
        self._listeners = tuple(listeners)
        self._policies: dict[str, Policy] = {}

    @property
    def validity_seconds(self) -> float:
        """For how long after its look a verdict is believed."""
        return VALID_LOOKS * self.interval_seconds

    def policy_of(self, release: Release) -> Policy:
        """The policy a release is pinned to, whatever the rule files say today."""
        known = self._policies.get(release.policy_digest)
        if known is None:
            known = self._policies[release.policy_digest] = self.store.policy(release.policy_digest)
        return known

    def commit(self, *steps: Step, policy: Policy | None = None) -> None:
        """Write steps in one transaction, then tell whoever listens.

        Raises:
            Conflict: another change came first; nothing was written.
            Unavailable: the store cannot be written; nothing was, unless the connection broke during the commit itself.
        """
        self.store.commit(*steps, policy=policy)
        for step in steps:
            for listener in self._listeners:
                listener(step)

    def change(self, identity: ReleaseId, command: Callable[[Release, Policy], Step | None]) -> Release:
        """Apply a pure command to the latest state of a release, and commit it.

        Args:
            identity: which release.
            command: makes the step; None when there is nothing to do.

        Returns:
            The release as it is now.

        Raises:
            NotFound, NotAllowed, Conflict, Unavailable: as the store and the command say.
        """
        for _ in range(_ATTEMPTS):
            release = self.store.release(identity)
            step = command(release, self.policy_of(release))
            if step is None:
                return release
            try:
                self.commit(step)
            except ReleaseChanged:
                continue
            return step.release
        raise Conflict(f"release {identity} keeps changing; try again")
