"""The kinds of rules there are, by the word after `kind:`."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from gated.rulebook.kinds.activity import ActivityEntry
from gated.rulebook.kinds.alerts import AlertsEntry
from gated.rulebook.kinds.burn_rate import BurnRateEntry
from gated.rulebook.kinds.distribution import DistributionEntry
from gated.rulebook.kinds.probe import ProbeEntry
from gated.rulebook.kinds.quantile import QuantileEntry
from gated.rulebook.kinds.ratio import RatioEntry
from gated.rulebook.kinds.shared import RuleEntry
from gated.rulebook.kinds.value import ValueEntry

AnyRuleEntry = Annotated[
    RatioEntry
    | QuantileEntry
    | ActivityEntry
    | BurnRateEntry
    | DistributionEntry
    | ValueEntry
    | AlertsEntry
    | ProbeEntry,
    Field(discriminator="kind"),
]

KINDS: Mapping[str, type[RuleEntry]] = {
    "ratio": RatioEntry,
    "quantile": QuantileEntry,
    "activity": ActivityEntry,
    "burn_rate": BurnRateEntry,
    "distribution": DistributionEntry,
    "value": ValueEntry,
    "alerts": AlertsEntry,
    "probe": ProbeEntry,
}
"""The entry of each kind."""
