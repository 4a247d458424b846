"""The rule files as the daemon holds them: the last good rulebook, whatever the files say meanwhile."""

import threading
from collections.abc import Callable

import structlog

from gated.model.plan import Rulebook

_log = structlog.get_logger()


class RuleFiles:
    """The last rulebook that loaded without a fault. Safe to use from several threads.

    Args:
        load: reads the files; gives a rulebook, or every fault.
        loaded: called after each attempt with whether it succeeded.
    """

    def __init__(
        self, load: Callable[[], tuple[Rulebook | None, tuple[str, ...]]], loaded: Callable[[bool], None]
    ) -> None:
        self._load = load
        self._loaded = loaded
        self._lock = threading.Lock()
        self._rulebook: Rulebook | None = None

    @property
    def rulebook(self) -> Rulebook:
        """The rules as loaded last.

        Raises:
            RuntimeError: nothing was loaded yet; the daemon never serves before it has.
        """
        if self._rulebook is None:
            raise RuntimeError("no rules were loaded")
        return self._rulebook

    def reload(self) -> tuple[str, ...]:
        """Load the files. On any fault nothing changes.

        Returns:
            The faults; empty when the files were loaded.
        """
        with self._lock:
            rulebook, faults = self._load()
            if rulebook is None:
                _log.error("rules_load_failed", faults=list(faults), kept=self._rulebook is not None)
            else:
                self._rulebook = rulebook
                _log.info("rules_loaded", rules=len(rulebook.rules), plans=sorted(rulebook.policies))
            self._loaded(rulebook is not None)
            return faults if rulebook is None else ()
