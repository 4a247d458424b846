"""How HTTP probes are spelled."""

from typing import Annotated, Literal

from pydantic import Field

from gated.model.ids import RuleName
from gated.model.rule import ProbeRule, Scope
from gated.rulebook.entry import Entry
from gated.rulebook.kinds.shared import LastingEntry
from gated.rulebook.spelling import PositiveDuration, Text, Url, choice, count, spelled


class Expectation(Entry):
    """What an endpoint must answer."""

    status: Annotated[int, count(100, 599)] = spelled("200")
    """The HTTP status that counts. Redirects are not followed."""
    within: PositiveDuration = spelled("2s")
    """How long the whole answer may take."""
    body_contains: Text | None = None
    """Text that the body must contain."""


class ProbeEntry(LastingEntry):
    """An HTTP endpoint that must answer a GET."""

    kind: Literal["probe"]
    """An HTTP endpoint that must answer."""
    url: Url
    """The address, http or https, fixed: it never depends on a release."""
    expect: Expectation = Field(default_factory=Expectation)
    """What it must answer."""
    failures: Annotated[int, count(1)] = spelled("3")
    """How many failures in a row are a breach; one probe is made at each evaluation."""
    scope: Annotated[Scope, choice([Scope.GLOBAL], "the scope of a probe")] = spelled("global")
    """A probe asks one address for everybody."""

    def to_rule(self, name: RuleName) -> ProbeRule:
        """The rule of the model."""
        return ProbeRule(
            **self._shared(name),
            url=self.url,
            status=self.expect.status,
            within_seconds=self.expect.within,
            body_contains=self.expect.body_contains or "",
            failures=self.failures,
        )
