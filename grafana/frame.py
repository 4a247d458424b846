"""What the dashboards share around their panels: variables, links, time, and how panels are laid out and numbered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

TAG = "gated"
OVERVIEW, RELEASE, ITSELF = "gated-overview", "gated-release", "gated-itself"
"""The uids. Links and bookmarks name them, so they never change."""
DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The one the reader chooses; no panel names another."""
_ALL = model.VariableOption(selected=True, text=["All"], value=["$__all"])
_SCRAPED_AT = (
    'gated_config_info{external_url!=""}'
    ' or label_replace(gated_config_info{external_url=""}, "external_url", "http://$1", "instance", "(.+)")'
)
"""Where gated is reached: what its settings say, and where Prometheus scrapes it when they say nothing."""
GATED = "${gated_url:raw}"
"""gated's own address in a link, without a slash at the end."""


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of a dashboard.

    Args:
        title: what its panels have in common.
        panels: in reading order, each with a width and a height; lines of 24 columns fill up from the left.
    """

    title: str
    panels: Sequence[Builder[model.Panel]]


def dashboard(
    uid: str,
    title: str,
    description: str,
    *,
    variables: Iterable[Builder[model.VariableModel]],
    rows: Iterable[Row],
    annotations: Iterable[Builder[model.AnnotationQuery]] = (),
) -> model.Dashboard:
    """A dashboard with what all of them have.

    Args:
        uid: one of those above.
        title: its name.
        description: what question it answers.
        variables: those of its own, after `$datasource` and before the hidden `$gated_url`.
        rows: what it shows.
        annotations: marks over its graphs.
    """
    made = (
        build.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .links(_links(uid))
        .annotations(list(annotations))
        .variables([_datasource(), *variables, _gated_url()])
    )
    # Panels are not put inside their rows: that is where Grafana keeps those of a collapsed row only.
    number = 0
    for row in rows:
        number += 1
        made.with_row(build.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            numbered = panel.build()
            numbered.id_val = number
            made.with_panel(_Built(numbered))
    return made.build()


def query(name: str, label: str, text: str, *, regex: str = "") -> build.QueryVariable:
    """A variable whose values Prometheus knows.

    Args:
        name: what expressions call it.
        label: what the reader sees.
        text: the query, in the notation of Grafana's Prometheus data source.
        regex: takes the value out of what the query returns; empty when it returns the values.
    """
    made = (
        build.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"query": text, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    return made.regex(regex) if regex else made


def many(variable: build.QueryVariable, *, all_value: str = "") -> build.QueryVariable:
    """Let a reader choose several values of a variable; all of them to begin with.

    Args:
        variable: the variable.
        all_value: what All stands for; empty for every value there is.
    """
    several = variable.multi(True).include_all(True).current(_ALL)
    return several.all_value(all_value) if all_value else several


def places() -> list[build.QueryVariable]:
    """Services and environments, any number of each."""
    return [
        many(query("service", "Service", "label_values(gated_release_info, service)"), all_value=".*"),
        many(
            query("environment", "Environment", 'label_values(gated_release_info{service=~"$service"}, environment)'),
            all_value=".*",
        ),
    ]


def hidden(variable: build.QueryVariable) -> build.QueryVariable:
    """Keep a variable from the reader's sight."""
    return variable.hide(model.VariableHide.HIDE_VARIABLE)


def dashboard_url(uid: str, service: str, environment: str) -> str:
    """Another dashboard, for a service and environment that a panel knows, over the same time.

    Args:
        uid: which one.
        service: Grafana's name of the value, for example `${__data.fields.service:percentencode}`.
        environment: likewise.
    """
    chosen = f"var-service={service}&var-environment={environment}"
    return f"/d/{uid}?${{datasource:queryparam}}&{chosen}&${{__url_time_range}}"


def page_url(service: str, environment: str) -> str:
    """The status page of gated for a service and environment that a panel knows; names as for `dashboard_url`."""
    return f"{GATED}/?service={service}&environment={environment}"


class _Built(Builder[model.Panel]):
    """A panel that is built, for where its builder is asked for."""

    def __init__(self, panel: model.Panel) -> None:
        self._panel = panel

    def build(self) -> model.Panel:
        return self._panel


def _datasource() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def _gated_url() -> build.QueryVariable:
    """Its query returns series as text; a slash at the end of the address would double the one that follows.

    It stays out of addresses: whoever passes on a link to a dashboard must not decide where links on it lead.
    """
    made = hidden(query("gated_url", "gated", f"query_result({_SCRAPED_AT})", regex='/external_url="([^"]+?)\\/?"/'))
    made._internal.skip_url_sync = True  # noqa: SLF001 -- the builder has no word for it
    return made


def _links(uid: str) -> list[Builder[model.DashboardLink]]:
    others = {OVERVIEW: "All gates", RELEASE: "One release", ITSELF: "gated itself"}
    links: list[Builder[model.DashboardLink]] = [
        build.DashboardLink(title)
        .type(model.DashboardLinkType.LINK)
        .icon("dashboard")
        .url(f"/d/{other}")
        .include_vars(True)
        .keep_time(True)
        for other, title in others.items()
        if other != uid
    ]
    page = page_url("${service:percentencode}", "${environment:percentencode}") if uid == RELEASE else f"{GATED}/"
    links.append(_outside("Status page", page, "What gated itself says, and why"))
    # The alert rules carry the addresses of their runbooks, and Grafana shows both side by side.
    links.append(_outside("Alerts and runbooks", "/alerting/list?search=Gated", "The alerts about gates and gated"))
    return links


def _outside(title: str, url: str, tooltip: str) -> build.DashboardLink:
    return (
        build.DashboardLink(title)
        .type(model.DashboardLinkType.LINK)
        .icon("external link")
        .url(url)
        .tooltip(tooltip)
        .target_blank(True)
    )
