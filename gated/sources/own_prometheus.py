"""A Prometheus of our own: a process on loopback with samples that were handed to it, gone when it is closed."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

from gated.model.errors import Unavailable
from gated.promql.notation import Gap
from gated.sources import remote_write

_READY_DEADLINE_SECONDS = 30.0
_STOP_DEADLINE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_REQUEST_TIMEOUT_SECONDS = 30.0
_PORT_ATTEMPTS = 5
_LOG_TAIL_CHARACTERS = 500
_BATCH_SECONDS = 1800.0
"""A server takes samples that are at most an hour older than the newest it has; so they go out in order of time."""

Recording = tuple[Mapping[str, str], Iterable[tuple[float, float | Gap]]]
"""The labels of a series, and (Unix seconds, value or `Gap.STALE`) by ascending time."""


class NoPrometheus(Unavailable):
    """There is no Prometheus to run, or it does not run as it should."""


def find(named: Path | None = None) -> Path | None:
    """The program to run.

    Args:
        named: the one that was asked for; None for the one on the PATH.

    Returns:
        Its path; None when there is none on the PATH.

    Raises:
        NoPrometheus: the one that was asked for cannot be run.
    """
    found = shutil.which(str(named or "prometheus"))
    if found is None and named is not None:
        raise NoPrometheus(f"{named} is not a program that can be run")
    return Path(found).resolve() if found is not None else None


class OwnPrometheus:
    """A running server. Made inside a `with` block, which stops it and removes its data.

    Args:
        program: which Prometheus to run; 2.33 or later.

    Raises:
        NoPrometheus: it ended at once, or was not ready in time; the message ends with the end of its log.
    """

    def __init__(self, program: Path) -> None:
        self._program = program
        with contextlib.ExitStack() as stack:
            self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gated-prometheus-")))
            self._start()
            self._running = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._running:
            self._stop()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def version(self) -> str:
        """Its own word for what it is."""
        _, answer = self._request("GET", "/api/v1/status/buildinfo")
        return f"Prometheus {json.loads(answer)['data']['version']}"

    def record(self, recordings: Iterable[Recording]) -> None:
        """Hand samples to the server, of all series together.

        Raises:
            NoPrometheus: it does not take them.
        """
        for batch in _batches(recordings):
            status, answer = self._request("POST", "/api/v1/write", remote_write.body(batch), remote_write.HEADERS)
            if status != http.HTTPStatus.NO_CONTENT:
                raise NoPrometheus(f"{self._program} does not take samples, status {status}: {answer.strip()}")

    def _start(self) -> None:
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._port = _free_port()
            log = self._directory / "log"
            with log.open("wb") as output:
                self._process = subprocess.Popen(  # noqa: S603  # named by the user, or on the PATH
                    [*_leash(), *self._command()],
                    cwd=self._directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # A session of its own: Ctrl-C in a terminal reaches us only, and we end it in order.
                    start_new_session=True,
                )
            try:
                self._wait_until_ready()
            except BaseException as failure:
                self._process.kill()
                self._process.wait()
                said = log.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:].strip()
                # Another process may take the port between our look and the server's.
                if attempt < _PORT_ATTEMPTS and "address already in use" in said:
                    continue
                if isinstance(failure, NoPrometheus):
                    raise NoPrometheus(f"{failure}: {said}") from None
                raise
            return

    def _command(self) -> list[str]:
        (self._directory / "prometheus.yml").write_text("{}\n")
        return [
            str(self._program),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--web.enable-remote-write-receiver",
            "--log.level=warn",
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_DEADLINE_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                raise NoPrometheus(f"{self._program} ended with status {self._process.returncode}")
            if time.monotonic() > deadline:
                raise NoPrometheus(f"{self._program} was not ready after {_READY_DEADLINE_SECONDS:.0f} s")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return self._request("GET", "/-/ready")[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_REQUEST_TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _batches(recordings: Iterable[Recording]) -> Iterator[list[Recording]]:
    """All samples, half an hour at a time."""
    marked = [
        (at // _BATCH_SECONDS, number, labels, (at, value))
        for number, (labels, samples) in enumerate(recordings)
        for at, value in samples
    ]
    marked.sort(key=lambda sample: sample[:2])
    for _, batch in groupby(marked, key=lambda sample: sample[0]):
        of_series = (list(samples) for _, samples in groupby(batch, key=lambda sample: sample[1]))
        yield [(samples[0][2], [sample for *_, sample in samples]) for samples in of_series]


def _leash() -> list[str]:
    """A prefix of the command that makes the kernel end the server when we are killed; none where it is not there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv is not None else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
