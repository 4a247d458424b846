"""What an operator may configure."""

import copy
import dataclasses
from pathlib import Path

import pytest

from gated.model.errors import InvalidInput
from gated.model.ids import SourceName
from gated.model.secret import Secret
from gated.sources.settings import (
    Access,
    BasicAuth,
    Identity,
    ProbeSettings,
    SourceKind,
    SourceSettings,
    secret_file,
    url_fault,
    without_userinfo,
)

PASSWORD = "swordfish"  # noqa: S105  # planted, to be searched for
GOOD = SourceSettings(SourceName("default"), "https://prometheus.example/prefix")


def faults(**changes: object) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as refused:
        dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]  # spoiled on purpose
    return refused.value.faults


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("prometheus:9090", "must look like https://host/path"),
        ("ftp://prometheus/", "must look like https://host/path"),
        ("http://", "must look like https://host/path"),
        ("http://prometheus:port", "is not an address"),
        ("http://[::1", "is not an address"),
        (f"http://gated:{PASSWORD}@prometheus/", "must not carry a user or password; use basic_auth"),
        ("http://gated@prometheus/", "must not carry a user or password; use basic_auth"),
        ("http://prometheus/?x=1", "must end with the path"),
        ("http://prometheus/#top", "must end with the path"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(url: str, fault: str) -> None:
    (only,) = faults(url=url)
    assert only == f"sources.default.url: {fault}"
    assert PASSWORD not in only


@pytest.mark.parametrize("url", ["http://127.0.0.1:9090", "https://mimir.example/prometheus", "http://[::1]:9090/"])
def test_an_address_may_have_a_port_and_a_path(url: str) -> None:
    assert url_fault(url) == ""
    assert without_userinfo(url) == url


@pytest.mark.parametrize("key", ["timeout_seconds", "max_bytes", "concurrency", "max_clock_skew_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_is_more_than_nothing(key: str, value: float) -> None:
    assert faults(**{key: value}) == (f"sources.default.{key}: must be more than 0",)


@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_samples_settle_after_their_time(value: float) -> None:
    assert faults(settle_seconds=value) == ("sources.default.settle_seconds: must not be negative",)


def test_every_fault_is_told_at_once() -> None:
    access = Access(basic_auth=BasicAuth("gated", Secret.of(PASSWORD)), bearer_token=Secret.of("x"), key_file="key.pem")
    told = faults(
        url="nowhere", concurrency=0, access=access, kind=SourceKind.ALERTMANAGER, expect=Identity(query="up")
    )
    assert told == (
        "sources.default.url: must look like https://host/path",
        "sources.default.concurrency: must be more than 0",
        "sources.default.bearer_token: cannot be used together with basic_auth",
        "sources.default.key_file: needs cert_file",
        "sources.default.expect: an Alertmanager has nothing to be known by",
    )


def test_probes_have_limits_too() -> None:
    with pytest.raises(InvalidInput, match=r"probes\.concurrency: must be more than 0"):
        ProbeSettings(concurrency=0)


def test_an_address_is_shown_without_its_password() -> None:
    assert without_userinfo(f"http://gated:{PASSWORD}@host:1/x?y=1") == "http://host:1/x?y=1"
    assert PASSWORD not in without_userinfo(f"http://gated:{PASSWORD}@[host/")


def test_a_secret_prints_as_a_mask_everywhere() -> None:
    access = Access(
        headers={"X-Key": Secret.of(PASSWORD)},
        basic_auth=BasicAuth("gated", Secret.of(PASSWORD)),
        bearer_token=Secret.of(PASSWORD),
    )
    settings = dataclasses.replace(GOOD, access=dataclasses.replace(access, basic_auth=None))
    shown = [repr(access), str(settings), f"{access.bearer_token:>20}", f"{access.bearer_token!r}"]
    shown.append(repr(dataclasses.asdict(settings)))
    shown.append(repr(copy.copy(settings)))
    assert not any(PASSWORD in text for text in shown)
    assert all("<secret>" in text for text in shown)


def test_a_secret_file_is_read_at_each_use_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "password"
    secret = secret_file(str(file))
    for text in (PASSWORD, "another"):
        file.write_text(f" {text}\n")
        assert secret.reveal() == text
    assert PASSWORD not in repr(secret)


def test_a_secret_file_that_is_missing_is_an_error_at_its_use(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        secret_file(str(tmp_path / "nothing")).reveal()
