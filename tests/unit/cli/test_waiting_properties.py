"""Whatever a server answers, in whatever order: exit code 0 only ever follows a promote that was surely claimed."""

import itertools
import json
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gated.cli import waiting as machine
from gated.cli.client import NoReply, Reply
from gated.cli.exits import Exit
from gated.cli.trust import Expected
from gated.cli.waiting import Action, Claim, Done, Moment, Poll
from tests.fakes import gate_server
from tests.fakes.gate_server import ACTOR, PROMOTE_ID, RELEASE, SERVICE, STAGE, VERSION, claimed, problem, verdict

NOW = 1_700_000_000.0
TIMEOUT = 600.0
FRESH = "2023-11-14T22:14:00Z"  # 40 s after NOW
FAR = "9999-12-31T23:59:59Z"
EXPIRED = "2023-11-14T22:13:00Z"  # 20 s before NOW

_texts = st.text(max_size=8)
_times = st.sampled_from([FRESH, EXPIRED, None, "0001-01-01T00:00:00+23:59", FAR, "2099-01-01", 0])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_spoils: dict[str, st.SearchStrategy[Any]] = {
    "release": st.sampled_from([RELEASE, "other-v2-000000"]),
    "stage": st.sampled_from([STAGE, "full"]),
    "version": st.sampled_from([VERSION, "v3"]),
    "service": st.sampled_from([SERVICE, "cart"]),
    "verdict": st.sampled_from(["promote", "pending", "hold", "rollback", "PROMOTE", True]),
    "verdict_id": st.sampled_from([PROMOTE_ID, "other"]),
    "claimed_by": st.sampled_from([ACTOR, None, "mallory", f" {ACTOR}"]),
    "valid_until": _times,
    "evaluated_at": _times,
    "final": st.sampled_from([True, False, "false", 0]),
    "phase": st.sampled_from(["baking", "between", "completed", "aborted", "unheard_of"]),
    "coverage": st.floats(),
    "eta_seconds": st.none() | st.floats(),
    "reason": _texts | _json,
    "rules": _json,
}


@st.composite
def _documents(draw: st.DrawFn) -> bytes:
    """A good verdict with a few fields spoiled or missing."""
    spoken = [verdict(word, valid_until=FRESH) for word in ("promote", "pending", "rollback")]
    good = draw(st.sampled_from([*spoken, claimed()]))
    spoiled = draw(st.lists(st.sampled_from(sorted(_spoils)), max_size=2, unique=True))
    document = {**good, **{key: draw(_spoils[key]) for key in spoiled}}
    for key in draw(st.lists(st.sampled_from(sorted(good)), max_size=1)) if draw(st.integers(0, 9)) == 0 else []:
        document.pop(key, None)
    return json.dumps(document).encode()


_bodies = st.one_of(
    _documents(),
    _documents(),
    _documents(),
    st.binary(max_size=20),
    _json.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["not_found", "conflict", "invalid"]).map(lambda e: json.dumps(problem(e, "no")).encode()),
    st.just(b"[" * 50_000),
)
_statuses = st.sampled_from([200, 200, 200, 200, 201, 204, 302, 304, 401, 404, 409, 409, 422, 429, 500, 503])
_dates = st.sampled_from([NOW, NOW, NOW - 1, None, NOW + 400, NOW - 1e9])
_replies = st.builds(Reply, _statuses, _bodies, _dates) | st.builds(NoReply, _texts)
_polite = st.one_of(
    st.just(Reply(200, json.dumps(verdict("promote", valid_until=FRESH)).encode(), NOW)),
    st.just(Reply(200, json.dumps(claimed()).encode(), NOW)),
)
_steps = st.tuples(_polite | _replies, st.floats(0, 60), st.sampled_from([NOW, NOW, NOW - 400, NOW + 400, NOW + 1e6]))


@st.composite
def _expected(draw: st.DrawFn) -> Expected:
    version = draw(st.sampled_from([None, VERSION]))
    service = draw(st.sampled_from([None, SERVICE]))
    return Expected(release=RELEASE, stage=STAGE, actor=ACTOR, version=version, service=service)


_Heard = tuple[Poll | Claim, Reply | NoReply, Moment]


@given(_expected(), st.lists(_steps, min_size=1, max_size=12))
@example(
    Expected(release=RELEASE, stage=STAGE, actor=ACTOR),
    [
        (Reply(200, json.dumps(verdict("promote", valid_until=FRESH)).encode(), NOW), 0.1, NOW),
        (Reply(200, json.dumps(claimed()).encode(), NOW), 0.1, NOW),
    ],
)
@settings(max_examples=400, deadline=None)
def test_exit_0_only_ever_follows_a_promote_that_was_surely_claimed(
    expected: Expected, steps: list[tuple[Reply | NoReply, float, float]]
) -> None:
    """The conditions are worked out here from the raw JSON, and share no code with what they judge."""
    story, end = _played(expected, steps)
    if end is not None and end.exit is Exit.DONE:
        (asked_before, polled, polled_at), (asked, answered, _) = story[-2:]
        assert isinstance(asked_before, Poll)
        assert isinstance(asked, Claim)
        assert isinstance(polled, Reply)
        assert isinstance(answered, Reply)
        promised, taken = _promote(polled), _promote(answered)
        assert promised["version"] == taken["version"] == (expected.version or taken["version"])
        assert promised["service"] == taken["service"] == (expected.service or taken["service"])
        assert promised["verdict_id"] == asked.verdict_id == taken["verdict_id"]
        assert taken["claimed_by"] == ACTOR
        if promised["claimed_by"] is None:
            assert promised["valid_until"] in {FRESH, FAR}
            if promised["valid_until"] == FRESH:
                assert (polled.dated_at or polled_at.now) < NOW + 40
                assert polled_at.now < NOW + 40 + 300
        else:
            assert promised["claimed_by"] == ACTOR


@given(_expected(), st.lists(_steps, min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_claim_only_ever_follows_a_trusted_promote(
    expected: Expected, steps: list[tuple[Reply | NoReply, float, float]]
) -> None:
    story, _ = _played(expected, steps)
    for (_, polled, _), (asked, _, _) in itertools.pairwise(story):
        if isinstance(asked, Claim):
            assert isinstance(polled, Reply)
            assert _promote(polled)["verdict_id"] == asked.verdict_id


@given(_expected(), st.lists(_steps, min_size=1, max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_pause_and_no_held_poll_outlives_the_deadline(
    expected: Expected, steps: list[tuple[Reply | NoReply, float, float]]
) -> None:
    story, end = _played(expected, steps)
    for (_, _, moment), (action, _, _) in itertools.pairwise(story):
        if isinstance(action, Poll):
            assert 0 <= action.delay_seconds < math.inf
            assert moment.elapsed_seconds + action.delay_seconds + action.hold_seconds <= TIMEOUT + 1e-6
    if end is None:
        assert story[-1][2].elapsed_seconds < TIMEOUT


def _played(expected: Expected, steps: list[tuple[Reply | NoReply, float, float]]) -> tuple[list[_Heard], Done | None]:
    """Let a server answer with one step after the other; every answer takes its time."""
    waiting, action = machine.begin(expected, TIMEOUT)
    story: list[_Heard] = []
    elapsed = 0.0
    for reply, seconds, now in steps:
        if isinstance(action, Done):
            break
        asked_at = elapsed + (action.delay_seconds if isinstance(action, Poll) else 0.0)
        elapsed = asked_at + seconds
        moment = Moment(elapsed, asked_at, now)
        story.append((action, reply, moment))
        waiting, action = machine.heard(waiting, action, reply, moment)
    return story, _end(action)


def _end(action: Action) -> Done | None:
    return action if isinstance(action, Done) else None


def _promote(reply: Reply) -> dict[str, Any]:
    """The document of a 200 that promotes what is expected."""
    assert reply.status == 200
    document: dict[str, Any] = json.loads(reply.body)
    found = [document[key] for key in ("release", "stage", "verdict")]
    assert found == [gate_server.RELEASE, gate_server.STAGE, "promote"]
    return document
