"""The kinds of panels: a number, bars, lines, bands over time, a table. A dashboard adds only what differs.

Every kind takes a title, a description and its queries, and has a unit from the start, so that none is forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as style
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.frame import DATASOURCE
from grafana.words import BAD, GOOD, QUIET, Word, label_mappings, mappings

Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on, ascending; the first from None on, which is everything below the second."""
QUIET_STEPS: Steps = ((None, QUIET),)
"""For a number that is neither good nor bad."""
BAD_ABOVE_ZERO: Steps = ((None, GOOD), (0.5, BAD))
"""For a number that should be 0. `increase()` extrapolates, so one half stands between none and one."""
PER_SECOND, REQUESTS, SHARE, SECONDS, BYTES, NUMBER = "ops", "reqps", "percentunit", "s", "bytes", "short"
"""Grafana's names for the units in use. Shares between 0 and 1 are shown as percent."""
_HISTOGRAM_SHARES = (0.5, 0.95, 0.99)


def now(expression: str, legend: str = "") -> prometheus.Dataquery:
    """What is true at the end of the time shown."""
    return _query(expression, legend).instant()


def over_time(expression: str, legend: str = "") -> prometheus.Dataquery:
    """What was true at every moment of the time shown."""
    return _query(expression, legend).range()


def number(
    title: str, description: str, expression: str, *, unit: str = NUMBER, steps: Steps = QUIET_STEPS, width: int = 4
) -> stat.Panel:
    """One number, coloured by thresholds."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .decimals(_decimals(unit))
        .thresholds(thresholds(steps))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .color_mode(style.BigValueColorMode.BACKGROUND if steps != QUIET_STEPS else style.BigValueColorMode.NONE)
        .graph_mode(style.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("–")
        .targets(_lettered([now(expression)]))
        .height(4)
        .span(width)
    )


def word(title: str, description: str, expression: str, words: Iterable[Word], *, width: int = 4) -> stat.Panel:
    """One word in its colour, from the number that stands for it."""
    return (
        number(title, description, expression, unit="none", width=width)
        .mappings(mappings(words))
        .color_mode(style.BigValueColorMode.BACKGROUND)
    )


def bars(
    title: str, description: str, queries: Iterable[prometheus.Dataquery], *, unit: str = NUMBER, width: int = 8
) -> bargauge.Panel:
    """A few numbers side by side, as bars."""
    return (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .decimals(_decimals(unit))
        .min(0)
        .thresholds(thresholds(QUIET_STEPS))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .orientation(style.VizOrientation.HORIZONTAL)
        .display_mode(style.BarGaugeDisplayMode.BASIC)
        .no_value("–")
        .targets(_lettered(queries))
        .height(6)
        .span(width)
    )


def lines(
    title: str, description: str, queries: Iterable[prometheus.Dataquery], *, unit: str, width: int = 12
) -> timeseries.Panel:
    """Numbers over time, on an axis that shows 0."""
    return _lines(title, description, queries, unit=unit, width=width).axis_soft_min(0)


def logarithmic(
    title: str,
    description: str,
    queries: Iterable[prometheus.Dataquery],
    *,
    lowest: float,
    unit: str = NUMBER,
    width: int = 12,
) -> timeseries.Panel:
    """Numbers of very different sizes over time; none of them may be below the lowest."""
    scale = common.ScaleDistributionConfig().type(style.ScaleDistribution.LOG).log(10)
    return _lines(title, description, queries, unit=unit, width=width).min(lowest).scale_distribution(scale)


def _lines(
    title: str, description: str, queries: Iterable[prometheus.Dataquery], *, unit: str, width: int
) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .line_width(1)
        .fill_opacity(8)
        .show_points(style.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(style.LegendDisplayMode.LIST)
            .placement(style.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.MULTI).sort(style.SortOrder.DESCENDING))
        .targets(_lettered(queries))
        .height(8)
        .span(width)
    )


def columns(
    title: str, description: str, queries: Iterable[prometheus.Dataquery], *, width: int = 12
) -> timeseries.Panel:
    """How often something happened, in stacked columns of five minutes or more, so that one event counts as one."""
    return (
        lines(title, description, queries, unit=NUMBER, width=width)
        .decimals(0)
        .draw_style(style.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(style.StackingMode.NORMAL))
        .interval("5m")
    )


def bands(title: str, description: str, expression: str, legend: str, words: Iterable[Word]) -> statetimeline.Panel:
    """Words over time, a band for each series."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit("none")
        .mappings(mappings(words))
        .thresholds(thresholds(QUIET_STEPS))
        .color_scheme(build.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .show_value(style.VisibilityMode.AUTO)
        .merge_values(True)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .legend(
            common.VizLegendOptions()
            .display_mode(style.LegendDisplayMode.LIST)
            .placement(style.LegendPlacement.BOTTOM)
            .show_legend(False)
        )
        .tooltip(common.VizTooltipOptions().mode(style.TooltipDisplayMode.SINGLE).sort(style.SortOrder.NONE))
        .targets(_lettered([over_time(expression, legend)]))
        .height(7)
        .span(24)
    )


def rows(
    title: str,
    description: str,
    expression: str,
    names: Mapping[str, str],
    *,
    unit: str = "none",
    width: int = 12,
    sort_by: str = "",
) -> table.Panel:
    """A table: a row for each series, a column for each label, and the value.

    Args:
        title: what it shows.
        description: as long as it needs.
        expression: every label that is left in it becomes a column.
        names: what the columns are called, from left to right; `Value` is the number's, left out when not named.
        unit: of the value.
        width: of 24.
        sort_by: the column whose smallest value comes first; empty for no order.
    """
    organize = {
        "excludeByName": {"Time": True} | ({} if "Value" in names else {"Value": True}),
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": dict(names),
    }
    made = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .decimals(_decimals(unit))
        .thresholds(thresholds(QUIET_STEPS))
        .show_header(True)
        .cell_height(style.TableCellHeight.SM)
        .targets(_lettered([now(expression).format(PromQueryFormat.TABLE)]))
        .with_transformation(model.DataTransformerConfig(id_val="organize", options=organize))
        .height(7)
        .span(width)
    )
    return made.sort_by([common.TableSortByFieldState().display_name(sort_by)]) if sort_by else made


def colored(color: str) -> list[model.DynamicConfigValue]:
    """What an override says to give a series its own colour."""
    return [model.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})]


def limit_line() -> list[model.DynamicConfigValue]:
    """What an override says to draw a series as a limit: dashed, red, nothing below it."""
    return [
        *colored(BAD),
        model.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}),
        model.DynamicConfigValue("custom.lineWidth", 2),
        model.DynamicConfigValue("custom.fillOpacity", 0),
    ]


def word_cell(words: Iterable[Word]) -> list[model.DynamicConfigValue]:
    """What an override says to show a column of numbers as words on their colours."""
    return _coloured_cell(mappings(words))


def label_cell(words: Iterable[Word]) -> list[model.DynamicConfigValue]:
    """What an override says to show a column of a label's words on their colours."""
    return _coloured_cell(label_mappings(words))


def _coloured_cell(words: Iterable[model.ValueMapping]) -> list[model.DynamicConfigValue]:
    return [
        model.DynamicConfigValue("mappings", [mapping.to_json() for mapping in words]),
        model.DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}),
    ]


def links(addresses: Mapping[str, str]) -> list[model.DynamicConfigValue]:
    """What an override says to give a column or a series links, by title. Those out of Grafana open beside it."""
    made = [{"title": title, "url": url, "targetBlank": not url.startswith("/")} for title, url in addresses.items()]
    return [model.DynamicConfigValue("links", made)]


def quantiles(histogram: str, *, matchers: str, by: str = "") -> list[prometheus.Dataquery]:
    """How long it took half of the time, nineteen times of twenty, and all but once in a hundred times.

    Args:
        histogram: its base name.
        matchers: label matchers, separated by commas.
        by: a label that gets lines of its own.
    """
    labels, legend = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    rates = f"sum by ({labels}) (rate({histogram}_bucket{{{matchers}}}[$__rate_interval]))"
    return [
        over_time(f"histogram_quantile({share}, {rates})", f"{legend}p{share * 100:.0f}") for share in _HISTOGRAM_SHARES
    ]


def thresholds(steps: Steps) -> build.ThresholdsConfig:
    """Thresholds as Grafana wants them."""
    made = [model.Threshold(value=value, color=color) for value, color in steps]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _query(expression: str, legend: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(expression).datasource(DATASOURCE)
    return made.legend_format(legend) if legend else made


def _lettered(queries: Iterable[prometheus.Dataquery]) -> list[Builder[Dataquery]]:
    """Queries with names: A, B, C and so on."""
    return [query.ref_id(chr(ord("A") + index)) for index, query in enumerate(queries)]


def _decimals(unit: str) -> int:
    """Things are whole, however `increase()` extrapolates; durations and shares are not."""
    return 0 if unit in {NUMBER, "none"} else 1
