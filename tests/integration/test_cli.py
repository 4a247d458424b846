"""The commands against a real server with a real store."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gated.cli.main import main
from gated.daemon.clock import SystemClock
from tests.fakes.gate_server import Answer, Drip, GateServer, Say, Silence
from tests.serving import ServedGate

_ORDER = ["--service", "checkout", "--environment", "production", "--version", "v2", "--plan", "standard"]
_TICKS_TO_PROMOTE = 140
"""The sample plan's first stage promotes after 30 minutes at the latest: 120 looks."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    with ServedGate(tmp_path) as gate:
        yield gate


class Gated:
    """The command line of one actor, talking to one gate."""

    def __init__(self, url: str, actor: str = "deploy-pipeline") -> None:
        self._environment = {"GATED_URL": url, "GATED_ACTOR": actor, "GITHUB_STEP_SUMMARY": ""}

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, arguments, env=self._environment)
        assert done.exit_code == code, done.output
        return done


@pytest.fixture
def gated(served: ServedGate) -> Gated:
    return Gated(served.url)


def opened(gated: Gated, *options: str) -> str:
    return gated("release", "start", *_ORDER, "--baseline", "v1", *options).stdout.strip()


def promotable(gated: Gated, served: ServedGate) -> str:
    """A release whose first stage says promote, now, by the real clock: the command line trusts no old promote."""
    served.now = SystemClock().now() - _TICKS_TO_PROMOTE * 15.0
    identity = opened(gated)
    gated("stage", "start", identity, "canary-5")
    served.tick(_TICKS_TO_PROMOTE)
    assert served.verdict(identity)["verdict"] == "promote"
    return identity


# --- a rollout ---------------------------------------------------------------------------------------------------


def test_a_release_is_registered_and_its_id_is_all_that_scripts_read(gated: Gated) -> None:
    first = gated("release", "start", *_ORDER, "--baseline", "v1")
    assert re.fullmatch(r"checkout-v2-[0-9a-f]{6}\n", first.stdout)
    assert first.stderr.startswith("opened: checkout-v2-")
    again = gated("release", "start", *_ORDER, "--baseline", "v1")
    assert again.stdout == first.stdout
    assert again.stderr.startswith("already open: ")


def test_a_promote_is_waited_for_claimed_once_and_claimed_again_by_the_same_actor(
    gated: Gated, served: ServedGate
) -> None:
    identity = promotable(gated, served)
    done = gated("wait", identity, "--stage", "canary-5", "--timeout", "10s", "--version", "v2")
    assert "promote claimed: canary-5 of checkout v2 in production" in done.stdout
    assert served.verdict(identity, stage="canary-5")["claimed_by"] == "deploy-pipeline"
    gated("wait", identity, "--stage", "canary-5", "--timeout", "10s")
    other = Gated(served.url, "somebody-else")("wait", identity, "--stage", "canary-5", "--timeout", "10s", code=11)
    assert "already claimed by deploy-pipeline" in other.stdout


def test_a_breach_ends_the_wait_with_10(gated: Gated, served: ServedGate) -> None:
    identity = opened(gated)
    gated("stage", "start", identity, "canary-5")
    served.world.error_share = 0.2
    served.tick(40)
    done = gated("wait", identity, "--stage", "canary-5", "--timeout", "10s", "--output", "json", code=10)
    assert json.loads(done.stdout)["verdict"] == "rollback"
    assert gated("release", "rolled-back", identity, "--reason", "v1 is back").stdout.endswith(
        "is recovering at canary-5\n"
    )


def test_wait_tells_the_endings_apart(gated: Gated) -> None:
    gated("wait", "checkout-v9-000000", "--stage", "canary-5", "--timeout", "5s", code=13)
    identity = opened(gated)
    gated("wait", identity, "--stage", "canary-6", "--timeout", "5s", code=13)
    gated("wait", identity, "--stage", "canary-5", "--timeout", "5s", "--version", "v3", code=13)
    pending = gated("wait", identity, "--stage", "canary-5", "--timeout", "1s", code=11)
    assert "canary-5 has not started" in pending.stdout
    gated("release", "abort", identity, "--reason", "wrong build")
    aborted = gated("wait", identity, "--stage", "canary-5", "--timeout", "1h", code=11)
    assert "the release was aborted" in aborted.stdout


# --- looking and steering ----------------------------------------------------------------------------------------


def test_releases_are_listed_by_page(gated: Gated) -> None:
    first = opened(gated)
    second = gated(
        "release", "start", *_ORDER[:4], "--version", "v3", "--plan", "standard", "--supersede"
    ).stdout.strip()
    page = gated("release", "list", "--limit", "1")
    assert second in page.stdout
    assert first not in page.stdout
    cursor = page.stderr.split("--cursor ")[1].strip()
    assert first in gated("release", "list", "--limit", "1", "--cursor", cursor).stdout
    assert first in gated("release", "list", "--ended").stdout
    assert first not in gated("release", "list", "--active").stdout
    assert json.loads(gated("release", "list", "--version", "v3", "--output", "json").stdout)["next"] == ""


def test_a_release_is_shown_with_its_rules_and_its_story(gated: Gated, served: ServedGate) -> None:
    identity = opened(gated)
    gated("stage", "start", identity, "canary-5")
    served.tick(5)
    gated("release", "pause", identity, "--reason", "payment incident")
    shown = gated("release", "show", identity).stdout
    assert f"{identity}: checkout v2 in production along standard is baking at canary-5, paused by deploy-p" in shown
    assert re.search(r"^error-rate +[a-z ]+ {2,}\S", shown, re.MULTILINE)
    assert re.search(r"deploy-pipeline +release paused +- +payment incident$", shown, re.MULTILINE)
    assert gated("release", "resume", identity).stdout.endswith("is baking at canary-5\n")


def test_json_is_the_servers_own_document(gated: Gated, served: ServedGate) -> None:
    identity = opened(gated)
    for arguments, path in ((["list"], ""), (["show", identity], f"/{identity}")):
        printed = gated("release", *arguments, "--output", "json").stdout
        assert json.loads(printed) == served.get(f"/api/v1/releases{path}").json()


def test_refusals_have_codes_of_their_own(gated: Gated) -> None:
    identity = opened(gated)
    assert "plan" in gated("release", "start", *_ORDER[:6], "--plan", "nope", code=13).stderr
    refused = gated("release", "start", *_ORDER[:4], "--version", "v3", "--plan", "standard", code=1)
    assert identity in refused.stderr
    assert "not a name" in gated("release", "start", *_ORDER[:4], "--version", "v 3", "--plan", "x", code=2).stderr
    assert "canary-25" in gated("stage", "start", identity, "canary-25", code=1).stderr
    gated("release", "show", "checkout-v9-000000", code=13)
    gated("release", "rolled-back", identity, code=1)


ANSWERS: dict[str, tuple[Answer, int]] = {
    "a login page": (Say(body=b"<html>"), 12),
    "a proxy's error": (Say(502, b"bad gateway"), 12),
    "a redirect": (Say(302, b"", {"Location": "/elsewhere"}), 12),
    "access denied": (Say(403, b"no"), 14),
    "another document": (Say(body={"release": 1}), 12),
}


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_is_not_gated_is_told_and_ends_no_command_with_0(answer: Answer, code: int, output: str) -> None:
    with GateServer(lambda _: answer) as server:
        shown = CliRunner().invoke(main, ["release", "list", "--url", server.url, "--output", output])
    is_json = isinstance(answer, Say) and isinstance(answer.body, dict)
    assert shown.exit_code == (0 if output == "json" and is_json else code)


def test_nobody_there_is_told() -> None:
    with GateServer(lambda _: Say()) as stopped:
        url = stopped.url
    done = CliRunner().invoke(main, ["release", "list", "--url", url])
    assert done.exit_code == 12
    assert "connection refused" in done.stderr


# --- completion --------------------------------------------------------------------------------------------------


def completed(url: str, *words: str, actor: str = "me") -> list[str]:
    """What bash would offer for the last of the words."""
    line = ["gated", *words]
    done = subprocess.run(
        [Path(sys.executable).with_name("gated")],
        env={
            **os.environ,
            "GATED_URL": url,
            "GATED_ACTOR": actor,
            "_GATED_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(line),
            "COMP_CWORD": str(len(line) - 1),
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [item.partition(",")[2] for item in done.stdout.splitlines() if item]


def test_releases_stages_and_plans_are_completed_from_the_daemon(gated: Gated, served: ServedGate) -> None:
    identity = opened(gated)
    assert completed(served.url, "release", "show", "check") == [identity]
    assert completed(served.url, "stage", "start", identity, "canary-2") == ["canary-25"]
    assert completed(served.url, "wait", identity, "--stage", "f") == ["full"]
    assert completed(served.url, "release", "start", "--plan", "st") == ["standard"]
    assert completed(served.url, "rel") == ["release"]


SILENT: dict[str, Answer] = {
    "silence": Silence(),
    "dripping": Drip(Say(body={})),
    "garbage": Say(body=b"\xff"),
    "an error": Say(500, b""),
    "an id that no shell should see": Say(body={"releases": [{"release": "$(reboot)"}], "next": ""}),
}


@pytest.mark.parametrize("answer", SILENT.values(), ids=SILENT.keys())
def test_a_daemon_that_does_not_answer_completes_nothing(answer: Answer) -> None:
    with GateServer(lambda _: answer) as server:
        assert completed(server.url, "wait", "x") == []
        assert completed("not an address", "wait", "x") == []
