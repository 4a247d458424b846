"""The pages of docs/ that follow from the code."""

from deploy import docs


def test_the_pages_that_follow_from_the_code_are_current() -> None:
    assert docs.stale() == []


def test_every_promised_metric_is_documented() -> None:
    page = docs.metrics_page()
    promised = """
        gated_build_info gated_stage_verdict gated_rule_value gated_rule_limit gated_rule_outcome gated_rule_samples
        gated_rule_last_evaluation_timestamp_seconds gated_evidence_newest_sample_timestamp_seconds
        gated_decisions_total gated_rollbacks_triggered_total gated_ticks_total gated_ticks_missed_total
        gated_tick_duration_seconds gated_queries_total gated_query_failures_total gated_query_duration_seconds
        gated_deliveries_total gated_outbox_oldest_timestamp_seconds gated_config_last_reload_successful
        gated_detection_seconds
    """.split()
    assert [name for name in promised if f"| `{name}` |" not in page] == []


def test_every_call_is_documented_with_its_statuses() -> None:
    page = docs.api_page()
    assert "### `POST /api/v1/releases/{release}/claim`" in page
    assert page.count("| status | document | when |") == page.count("### `GET ") + page.count("### `POST ")
