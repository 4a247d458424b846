"""What makes an answer a verdict that may be acted upon; each case spoils one thing of a good one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gated.cli import trust
from gated.cli.trust import Expected
from gated.operations.documents import VerdictDocument
from tests.fakes.gate_server import ACTOR, PROMOTE_ID, RELEASE, SERVICE, STAGE, VERSION, claimed, verdict

VALID_UNTIL = 1_700_000_040.0
PROMOTE = {"valid_until": "2023-11-14T22:14:00Z"}
EXPECTED = Expected(release=RELEASE, stage=STAGE, actor=ACTOR, version=VERSION, service=SERVICE)


def read(document: Any) -> VerdictDocument | None:
    return trust.read(json.dumps(document).encode())


def good(document: Any) -> VerdictDocument:
    found = read(document)
    assert found is not None
    return found


def test_a_verdict_of_the_gate_is_read() -> None:
    found = good(verdict("promote", **PROMOTE))
    assert (found.release, found.verdict.value, found.verdict_id) == (RELEASE, "promote", PROMOTE_ID)
    assert trust.mismatch(found, EXPECTED) is None


def test_keys_of_a_later_version_do_no_harm() -> None:
    assert read(verdict(key_of_a_later_version=1)) is not None


NOT_VERDICTS: dict[str, Any] = {
    "a list": [],
    "nothing": {},
    "a text for a flag": verdict(final="false"),
    "a text for a number": verdict(coverage="0.97"),
    "a number for a time": verdict(valid_until=4102444800),
    "no zone in valid_until": verdict(valid_until="2099-01-01T00:00:00"),
    "no zone in evaluated_at": verdict(evaluated_at="2023-11-14T22:13:20"),
    "a phase nobody knows": verdict(phase="unheard_of"),
}


@pytest.mark.parametrize("document", NOT_VERDICTS.values(), ids=NOT_VERDICTS.keys())
def test_what_is_not_exactly_a_verdict_is_none(document: Any) -> None:
    assert read(document) is None


@pytest.mark.parametrize("key", ["release", "stage", "version", "service"])
def test_a_verdict_about_something_else_is_told_apart(key: str) -> None:
    assert trust.mismatch(good(verdict(**{key: "other"})), EXPECTED) == (
        f"the answer is about {key} other, not {getattr(EXPECTED, key)}"
    )


def test_any_version_and_service_will_do_when_none_is_expected() -> None:
    expected = replace(EXPECTED, version=None, service=None)
    assert trust.mismatch(good(verdict(version="v9", service="cart")), expected) is None


TIMES: dict[str, tuple[float | None, float, str | None]] = {
    "fresh by both clocks": (VALID_UNTIL - 40, VALID_UNTIL - 40, None),
    "our clock is far behind": (VALID_UNTIL - 40, VALID_UNTIL - 1e6, None),
    "our clock is four minutes ahead": (VALID_UNTIL - 40, VALID_UNTIL + 240, None),
    "our clock is six minutes ahead": (VALID_UNTIL - 40, VALID_UNTIL + 360, "6m ago by this machine's clock"),
    "expired when sent": (VALID_UNTIL + 7, VALID_UNTIL - 40, "expired 7s before it was sent"),
    "expires as it is sent": (VALID_UNTIL, VALID_UNTIL - 40, "expired 0s before it was sent"),
    "no date, fresh by our clock": (None, VALID_UNTIL - 1, None),
    "no date, expired by our clock": (None, VALID_UNTIL + 1, "1s ago by this machine's clock"),
}


@pytest.mark.parametrize(("dated_at", "now", "why"), TIMES.values(), ids=TIMES.keys())
def test_a_promote_must_be_valid_still(dated_at: float | None, now: float, why: str | None) -> None:
    found = trust.objection(good(verdict("promote", **PROMOTE)), dated_at, now)
    assert (found is None) == (why is None)
    assert (why or "") in (found or "")


def test_a_promote_without_an_end_is_not_believed() -> None:
    assert trust.objection(good(verdict("promote", valid_until=None)), VALID_UNTIL, VALID_UNTIL) is not None


def test_the_first_and_last_days_of_the_calendar_are_no_trouble() -> None:
    for day in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"):
        trust.objection(good(verdict("promote", valid_until=day)), VALID_UNTIL, VALID_UNTIL)


def test_only_a_promote_needs_no_objection() -> None:
    assert trust.objection(good(verdict("hold", **PROMOTE)), VALID_UNTIL - 40, VALID_UNTIL - 40) is not None


def test_our_claim_is_recognised() -> None:
    assert trust.is_claimed(good(claimed()), PROMOTE_ID, EXPECTED)


CLAIMS: dict[str, dict[str, Any]] = {
    "of nobody": {"claimed_by": None},
    "of somebody else": {"claimed_by": "mallory"},
    "of another promote": {"verdict_id": "other"},
    "turned into a rollback": {"verdict": "rollback"},
    "turned into a hold": {"verdict": "hold"},
    "of another release": {"release": "other-v2-000000"},
    "of another stage": {"stage": "full"},
    "of another version": {"version": "v3"},
}


@pytest.mark.parametrize("spoiled", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_claim_that_is_not_surely_ours_is_not_ours(spoiled: dict[str, Any]) -> None:
    assert not trust.is_claimed(good(claimed(**spoiled)), PROMOTE_ID, EXPECTED)
