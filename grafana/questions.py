"""Every question that a dashboard puts to Prometheus, read from its JSON: what is checked, and what the table lists."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_LEGEND = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class Question:
    """One expression, or the query of a variable.

    Args:
        dashboard: the dashboard's title.
        kind: `panel`, `variable` or `annotation`.
        place: the title of the row and panel, or the name of the variable or annotation.
        letter: which of a panel's queries; empty for the others.
        text: the expression, as written.
        is_instant: whether it is asked at the end of the time shown only.
        least_step: the shortest distance of two points, in Grafana's notation; empty for the data source's own.
        repeat: the variable whose every value gets a panel of its own; empty for none.
        labels: those that a legend or the text of a mark shows.
        columns: the labels that a table shows; the answer must have no others.
    """

    dashboard: str
    kind: str
    place: str
    letter: str
    text: str
    is_instant: bool = False
    least_step: str = ""
    repeat: str = ""
    labels: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return " / ".join(filter(None, (self.dashboard, self.kind, self.place, self.letter)))


def panels(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """The panels of a dashboard, each with the title of its row."""
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        else:
            yield row, panel


def questions(dashboard: Json) -> Iterator[Question]:
    """All questions of a dashboard in the order in which a reader meets them."""
    title = dashboard["title"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Question(title, "variable", f"${variable['name']}", "", variable["query"]["query"])
    for annotation in dashboard["annotations"]["list"]:
        yield Question(
            title,
            "annotation",
            annotation["name"],
            "",
            annotation["expr"],
            least_step=annotation["step"],
            labels=tuple(_LEGEND.findall(annotation["textFormat"])),
        )
    for row, panel in panels(dashboard):
        for target in panel["targets"]:
            yield Question(
                title,
                "panel",
                f"{row} / {panel['title']}",
                target["refId"],
                target["expr"],
                is_instant=target["instant"],
                least_step=panel.get("interval", ""),
                repeat=panel.get("repeat", ""),
                labels=tuple(_LEGEND.findall(target.get("legendFormat", ""))),
                columns=tuple(_columns(panel)),
            )


def _columns(panel: Json) -> Iterator[str]:
    """The labels that a table shows as columns."""
    for transformation in panel["transformations"]:
        yield from (name for name in transformation["options"]["indexByName"] if name != "Value")
