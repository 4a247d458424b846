"""The table of rollbacks, of all services or of one: why each went back, how long ago, and whether that helped."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import table

from gated.model.release import Phase
from grafana import panels, words

_WHICH = "service, environment, version, baseline"
_TRIGGERED = "gated_rollback_triggered_timestamp_seconds"
_RECOVERED = "gated_rollback_recovered"


def last(matchers: str, *, named: Sequence[str] = (), width: int) -> table.Panel:
    """One row for each version that went back in the time shown, the newest first.

    Args:
        matchers: label matchers, separated by commas.
        named: labels that come first, those the reader has not chosen.
        width: of 24.
    """
    columns = [*named, "version", "baseline", "cause", "rule"]
    names = {**{name: name for name in columns}, "Value": "ago", "well_again": "well again"}
    return panels.rows(
        "Last rollbacks",
        "Of every version that went back in the time shown the last time it did. Well again: yes, once gated saw the "
        "service recover; no, until then; rolling back, while nobody has reported it done; unknown, where another "
        "release came first.",
        f"min by ({', '.join([*columns, 'well_again'])}) (time() - (\n{_told(matchers)}\n))",
        names,
        unit=panels.SECONDS,
        width=width,
        sort_by="ago",
    ).override_by_name("well again", panels.label_cell(words.RECOVERY))


def _told(matchers: str) -> str:
    """When each was, with a label that says what became of it."""
    # A version may go back more than once, and what is known of its recovery is of the last time.
    each = f"topk by ({_WHICH}) (1, last_over_time({_TRIGGERED}{{{matchers}}}[$__range]))"
    # What is true now comes first: an instance that is gone may have seen an earlier rollback end well.
    well = (
        f"(max by ({_WHICH}) ({_RECOVERED}{{{matchers}}})"
        f" or max by ({_WHICH}) (last_over_time({_RECOVERED}{{{matchers}}}[$__range])))"
    )
    going_back = f'gated_release_info{{{matchers},phase="{Phase.ROLLING_BACK.value}"}}'
    known = {
        words.GOING_BACK: f"{each} and on ({_WHICH}) {going_back}",
        words.WELL: f"{each} and on ({_WHICH}) {well} == 1",
        words.NOT_WELL: f"{each} and on ({_WHICH}) {well} == 0",
        words.UNKNOWN: each,
    }
    told = [f'label_replace({expression}, "well_again", "{word.text}", "", "")' for word, expression in known.items()]
    return "    " + f"\n or on ({_WHICH}) ".join(told)
