"""How firing alerts are spelled."""

from typing import Literal

from gated.model.ids import RuleName
from gated.model.rule import AlertsRule
from gated.rulebook.kinds.shared import AnyScope, LastingEntry, SourceEntry
from gated.rulebook.spelling import AlertSelector, spelled


class AlertsEntry(LastingEntry, SourceEntry):
    """Firing alerts of Prometheus or of an Alertmanager. One that fires is past the limit."""

    kind: Literal["alerts"]
    """Firing alerts."""
    match: AlertSelector
    """Which alerts, as a selector without a name: '{alertname=~"Waf.*"}'. Silences do not hide them in Prometheus."""
    heartbeat: AlertSelector | None = None
    """An alert that always fires, such as '{alertname="Watchdog"}'. While it does not, silence proves nothing."""
    scope: AnyScope = spelled("global")
    """Whose alerts count: all that match (global), or those that carry the labels of the service or the version."""

    def to_rule(self, name: RuleName) -> AlertsRule:
        """The rule of the model."""
        return AlertsRule(**self._shared(name), match=self.match, heartbeat=self.heartbeat or "")
