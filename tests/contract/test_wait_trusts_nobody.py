"""`gated wait` against a server that lies: real processes, real sockets, real exit codes.

Exit code 0 is what widens traffic. Each test here is a way in which it must not, or must, be given.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.fakes import gate_server
from tests.fakes.gate_server import (
    ACTOR,
    RELEASE,
    STAGE,
    Answer,
    Asked,
    Drip,
    Endless,
    GateServer,
    HangUp,
    Raw,
    Say,
    Script,
    Silence,
    claimed,
    instant,
    problem,
    verdict,
)

GATED = str(Path(sys.executable).with_name("gated"))
PROMOTE = Say(body=verdict("promote"))
PENDING = Say(body=verdict("pending", verdict_id="pending-1"))
_GUARD_SECONDS = 45
"""Only so that a broken deadline ends the test; far beyond every timeout given to the command."""

Serve = Callable[[Script], GateServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as running:
        yield lambda script: running.enter_context(GateServer(script))


def environment(**changes: str) -> dict[str, str]:
    """A pipeline's environment, without what the machine that runs the tests happens to have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATED_", "GITHUB_"))}
    return {**kept, "GATED_ACTOR": ACTOR, **changes}


def command(url: str, *options: str, timeout: str = "1s") -> list[str]:
    return [GATED, "wait", RELEASE, "--stage", STAGE, "--url", url, "--timeout", timeout, *options]


def wait(url: str, *options: str, timeout: str = "1s", **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end. It must end in order, whatever happened."""
    done = subprocess.run(
        command(url, *options, timeout=timeout),
        capture_output=True,
        text=True,
        env=environment(**env),
        timeout=_GUARD_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def in_turn(*answers: Answer) -> Script:
    """Each answer once, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def by_kind(poll: Answer, claim: Answer) -> Script:
    """One answer to every poll, another to every claim."""
    return lambda asked: claim if asked.is_claim else poll


# --- going on ---------------------------------------------------------------------------------------------------


def test_a_claimed_promote_ends_with_0(serve: Serve) -> None:
    server = serve(by_kind(PROMOTE, Say(body=claimed())))
    done = wait(server.url, "--version", "v2", "--service", "checkout")
    assert done.returncode == 0, done.stderr
    assert "promote claimed: canary-5 of checkout v2 in production" in done.stdout
    assert [claim.body for claim in server.claims] == [{"verdict_id": gate_server.PROMOTE_ID}]
    assert server.claims[0].actor == ACTOR


def test_a_promote_that_comes_after_a_hold_and_a_restart_of_the_gate_is_claimed(serve: Serve) -> None:
    """Blindness passes, servers restart; neither is a reason to give up before the deadline."""
    hold = Say(body=verdict("hold", verdict_id="hold-1"))
    polls = in_turn(hold, HangUp(), Say(503, problem("unavailable", "the store is busy")), PENDING, PROMOTE)
    server = serve(lambda asked: Say(body=claimed()) if asked.is_claim else polls(asked))
    assert wait(server.url, timeout="40s").returncode == 0


def test_a_repeated_pipeline_step_claims_again_and_ends_with_0(serve: Serve) -> None:
    """What this actor claimed does not expire: the step was done, and is done."""
    expired = claimed(valid_until=instant(-3600))
    server = serve(by_kind(Say(body=expired), Say(body=expired)))
    assert wait(server.url).returncode == 0
    assert len(server.claims) == 1


def test_a_claim_whose_answer_was_lost_is_made_again(serve: Serve) -> None:
    taken: list[Asked] = []

    def script(asked: Asked) -> Answer:
        if asked.is_claim:
            taken.append(asked)
            return HangUp() if len(taken) == 1 else Say(body=claimed())
        return Say(body=claimed()) if taken else PROMOTE

    server = serve(script)
    assert wait(server.url, timeout="20s").returncode == 0
    assert len(server.claims) == 2


def test_a_small_difference_between_clocks_does_not_matter(serve: Serve) -> None:
    """The gate's clock is two minutes behind the runner's: by its own, the promote is fresh."""
    behind = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}
    promote = Say(body=verdict("promote", valid_until=instant(-120)), headers=behind)
    server = serve(by_kind(promote, Say(body=claimed())))
    assert wait(server.url).returncode == 0


# --- not going on: what the gate says ----------------------------------------------------------------------------


def test_a_rollback_ends_at_once_with_10(serve: Serve) -> None:
    server = serve(in_turn(PENDING, Say(body=verdict("rollback", reason="error-rate is at 7 %; limit 2 %"))))
    done = wait(server.url, timeout="10m")
    assert done.returncode == 10
    assert "roll back: error-rate is at 7 %; limit 2 %" in done.stdout
    assert not server.claims


ENDINGS = {
    "pending at the deadline": (PENDING, 11, "not promoted within 1s; last: pending, because it is pending"),
    "hold at the deadline": (Say(body=verdict("hold")), 11, "last: hold"),
    "aborted": (
        Say(body=verdict("hold", final=True, phase="aborted", reason="the release was aborted")),
        11,
        "the release ended without a verdict: the release was aborted",
    ),
    "superseded": (Say(body=verdict("hold", final=True, phase="superseded")), 11, "ended without a verdict"),
    "claimed by somebody else": (Say(body=claimed(claimed_by="mallory")), 11, "already claimed by mallory"),
    "unknown release": (Say(404, problem("not_found", "there is no release x")), 13, "there is no release x"),
    "unknown stage": (Say(404, problem("not_found", "plan standard has no stage 'x'")), 13, "no stage 'x'"),
    "invalid": (Say(422, problem("invalid", "the request cannot be used", faults=["path.release: no"])), 13, "no"),
    "another release": (Say(body=verdict("promote", release="other-v2-000000")), 13, "is about release other-v2"),
    "another stage": (Say(body=verdict("promote", stage="full")), 13, "is about stage full, not canary-5"),
    "another version": (Say(body=verdict("promote", version="v3")), 13, "is about version v3, not v2"),
    "another service": (Say(body=verdict("promote", service="cart")), 13, "is about service cart, not checkout"),
    "unauthorized": (Say(401, b"<html>who are you?</html>"), 14, "status 401"),
    "forbidden": (Say(403, problem("denied", "not for you")), 14, "not for you"),
}


@pytest.mark.parametrize(("answer", "code", "why"), ENDINGS.values(), ids=ENDINGS.keys())
def test_every_ending_has_its_code_and_says_why(serve: Serve, answer: Answer, code: int, why: str) -> None:
    server = serve(lambda _: answer)
    done = wait(server.url, "--version", "v2", "--service", "checkout")
    assert (done.returncode, done.stdout.count("\n")) == (code, 1)
    assert why in done.stdout
    assert not server.claims


def test_an_ended_release_is_said_at_once_and_not_at_the_deadline(serve: Serve) -> None:
    server = serve(lambda _: Say(body=verdict("hold", final=True, phase="aborted")))
    assert wait(server.url, timeout="10h").returncode == 11


# --- not going on: answers that cannot be trusted ----------------------------------------------------------------

LIES: Mapping[str, Answer] = {
    "no answer at all": Silence(),
    "connection reset": HangUp(),
    "not HTTP": Raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "no header ends": Raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"),
    "truncated body": Raw(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"verdict": "promote"'),
    "broken chunks": Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    "a body that never ends": Endless(),
    "a body that drips": Drip(PROMOTE),
    "headers that drip": Drip(PROMOTE, is_body_only=False),
    "empty body": Say(body=b""),
    "a login page": Say(body=b"<html>promote</html>", headers={"Content-Type": "text/html"}),
    "a promote with 201": Say(201, verdict("promote")),
    "a promote with 203": Say(203, verdict("promote")),
    "no content": Say(204, b""),
    "not modified": Say(304, b""),
    "a redirect to a promote": Say(302, verdict("promote"), {"Location": "/api/v1/promote"}),
    "a proxy's 404": Say(404, b"<html>not found</html>"),
    "a promote with 500": Say(500, verdict("promote")),
    "a bad gateway": Say(502, b"bad gateway"),
    "too many requests": Say(429, problem("throttled", "slower")),
    "JSON that is no object": Say(body=b'"promote"'),
    "nested without end": Say(body=b"[" * 100_000),
    "not UTF-8": Say(body=b'{"verdict": "\xff"}'),
    "a key is missing": Say(body={key: value for key, value in verdict("promote").items() if key != "verdict_id"}),
    "a verdict nobody knows": Say(body=verdict("promote!")),
    "a verdict in capitals": Say(body=verdict("PROMOTE")),
    "a list for a text": Say(body=verdict("promote", release=[RELEASE])),
    "a time without a zone": Say(body=verdict("promote", valid_until="2099-01-01T00:00:00")),
    "never valid": Say(body=verdict("promote", valid_until=None)),
    "expired when it was sent": Say(body=verdict("promote", valid_until=instant(-5))),
    "expired, and no date": Say(body=verdict("promote", valid_until=instant(-5)), headers={"Date": ""}),
    "replayed with its old date": Say(
        body=verdict("promote", valid_until="2024-05-01T12:00:40Z"), headers={"Date": "Wed, 01 May 2024 12:00:00 GMT"}
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_is_never_claimed_and_ends_with_12(serve: Serve, lie: Answer) -> None:
    server = serve(by_kind(lie, Say(body=claimed())))
    done = wait(server.url, timeout="500ms")
    assert done.returncode == 12
    assert "no answer to be trusted within 500ms" in done.stdout
    assert not server.claims


REFUSED_CLAIMS: Mapping[str, tuple[Answer, int]] = {
    "no answer": (Silence(), 12),
    "reset": (HangUp(), 12),
    "dripping": (Drip(Say(body=claimed())), 12),
    "empty": (Say(body=b""), 12),
    "claimed with 201": (Say(201, claimed()), 12),
    "claimed with 500": (Say(500, claimed()), 12),
    "claimed with 409": (Say(409, claimed()), 12),
    "not claimed": (Say(body=verdict("promote")), 12),
    "claimed by somebody else": (Say(body=claimed(claimed_by="mallory")), 12),
    "claimed by nearly us": (Say(body=claimed(claimed_by=ACTOR.upper())), 12),
    "another verdict id": (Say(body=claimed(verdict_id="other")), 12),
    "not a promote any more": (Say(body=claimed(verdict="rollback")), 12),
    "another release": (Say(body=claimed(release="other-v2-000000")), 13),
    "another stage": (Say(body=claimed(stage="full")), 13),
    "another version": (Say(body=claimed(version="v3")), 13),
    "refused": (Say(409, problem("conflict", "it is not a promote that can be claimed now")), 11),
    "denied": (Say(403, b""), 14),
}


@pytest.mark.parametrize(("claim", "code"), REFUSED_CLAIMS.values(), ids=REFUSED_CLAIMS.keys())
def test_a_promote_that_was_not_surely_claimed_widens_no_traffic(serve: Serve, claim: Answer, code: int) -> None:
    """Without --version: the claim's answer must still be about the version that was promoted."""
    server = serve(by_kind(PROMOTE, claim))
    assert wait(server.url).returncode == code
    assert server.claims


def test_a_refused_claim_goes_back_to_polling(serve: Serve) -> None:
    refused = Say(409, problem("conflict", "it is gone", verdict=verdict("rollback")))
    polls = in_turn(PROMOTE, Say(body=verdict("rollback")))
    server = serve(lambda asked: refused if asked.is_claim else polls(asked))
    assert wait(server.url, timeout="20s").returncode == 10


def test_a_claim_without_an_answer_is_told(serve: Serve) -> None:
    done = wait(serve(by_kind(PROMOTE, Silence())).url)
    assert done.returncode == 12
    assert "a claim was sent and may have been taken" in done.stdout


def test_nobody_listens() -> None:
    with GateServer(lambda _: PENDING) as stopped:
        url = stopped.url
    done = wait(url)
    assert done.returncode == 12
    assert "connection refused" in done.stdout


def test_a_proxy_of_the_environment_is_not_asked(serve: Serve) -> None:
    proxy = serve(by_kind(PROMOTE, Say(body=claimed())))
    gate = serve(lambda _: Say(body=verdict("rollback")))
    done = wait(gate.url, http_proxy=proxy.url, HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url, no_proxy="")
    assert done.returncode == 10
    assert not proxy.heard


# --- what is printed ---------------------------------------------------------------------------------------------


def test_a_server_cannot_steer_the_terminal(serve: Serve) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\n::error::\u202egpj.exe\x9b31m"
    server = serve(lambda _: Say(body=verdict("rollback", reason=evil)))
    for options in ((), ("--output", "json")):
        done = wait(server.url, *options)
        printed = (done.stdout + done.stderr).replace("\n", "")
        assert printed.isprintable()


def test_json_is_the_gates_own_document(serve: Serve) -> None:
    document = verdict("rollback", key_of_a_later_version={"x": 1})
    done = wait(serve(lambda _: Say(body=document)).url, "--output", "json")
    assert json.loads(done.stdout) == document
    assert "roll back" in done.stderr


def test_nothing_heard_prints_no_json(serve: Serve) -> None:
    done = wait(serve(lambda _: Say(body=b"{}")).url, "--output", "json")
    assert (done.returncode, done.stdout) == (12, "")


def test_github_gets_a_summary(serve: Serve, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    server = serve(lambda _: Say(body=verdict("rollback", reason="<img src=x> at 7 % | limit")))
    assert wait(server.url, GITHUB_STEP_SUMMARY=str(page)).returncode == 10
    text = page.read_text()
    assert text.startswith("before\n### gated: rollback, stage canary\\-5")
    assert "\\<img src=x\\> at 7 % \\| limit" in text
    assert "| error\\-rate | ok | 0.31 %" in text


def test_a_summary_that_cannot_be_written_changes_no_verdict(serve: Serve, tmp_path: Path) -> None:
    server = serve(by_kind(PROMOTE, Say(body=claimed())))
    done = wait(server.url, GITHUB_STEP_SUMMARY=str(tmp_path / "gone" / "summary.md"))
    assert done.returncode == 0
    assert "the summary cannot be written" in done.stderr


# --- being stopped -----------------------------------------------------------------------------------------------

SIGNALS = {"SIGINT": (signal.SIGINT, 130), "SIGTERM": (signal.SIGTERM, 143)}


@pytest.mark.parametrize(("number", "code"), SIGNALS.values(), ids=SIGNALS.keys())
@pytest.mark.parametrize("poll", [PENDING, Silence()], ids=["while it pauses", "while it waits for an answer"])
def test_a_signal_ends_the_wait_without_a_claim(serve: Serve, poll: Answer, number: signal.Signals, code: int) -> None:
    server = serve(lambda _: poll)
    done = _stopped(server, number, lambda: bool(server.heard))
    assert done.returncode == code
    assert f"stopped by {number.name}; nothing is promoted here\n" in done.stdout
    assert not server.claims


def test_a_signal_during_a_claim_says_that_it_may_have_been_taken(serve: Serve) -> None:
    server = serve(by_kind(PROMOTE, Silence()))
    done = _stopped(server, signal.SIGTERM, lambda: bool(server.claims))
    assert done.returncode == 143
    assert "a claim was sent and may have been taken" in done.stdout


def _stopped(server: GateServer, number: signal.Signals, when: Callable[[], bool]) -> subprocess.CompletedProcess[str]:
    with subprocess.Popen(
        command(server.url, timeout="10m"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as running:
        server.wait_until(when)
        running.send_signal(number)
        said, told = running.communicate(timeout=_GUARD_SECONDS)
    assert "Traceback" not in said + told
    return subprocess.CompletedProcess(running.args, running.returncode, said, told)


# --- using it wrongly ---------------------------------------------------------------------------------------------

MISUSES = {
    "no stage": [RELEASE],
    "no time": [RELEASE, "--stage", STAGE, "--timeout", "0"],
    "not a duration": [RELEASE, "--stage", STAGE, "--timeout", "5 minutes"],
    "not an address": [RELEASE, "--stage", STAGE, "--url", "127.0.0.1:9911"],
    "a password in the address": [RELEASE, "--stage", STAGE, "--url", "http://a:b@127.0.0.1:9911"],
    "a path for a release": ["../rules", "--stage", STAGE],
    "an actor that no header carries": [RELEASE, "--stage", STAGE, "--actor", "jos\u00e9"],
}


@pytest.mark.parametrize("arguments", MISUSES.values(), ids=MISUSES.keys())
def test_a_command_line_that_cannot_be_used_ends_with_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [GATED, "wait", *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=_GUARD_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
