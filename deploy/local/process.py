"""One server process on loopback: started on a free port, awaited, stopped, killed, paused, restarted.

Servers die with the process that started them, however that one ends, so a killed test run leaves nothing behind.
"""

import abc
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

_READY_DEADLINE_SECONDS = 30.0
_STOP_DEADLINE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_PORT_ATTEMPTS = 5
_LOG_TAIL_CHARACTERS = 2000


class ServerFailed(RuntimeError):
    """A server ended, or was not ready in time; the message ends with the tail of its log."""


class Server(abc.ABC):
    """A running server, and a context manager that stops it at the end.

    A subclass says what to run and how to see that it is ready; it sets what both need before it calls
    `super().__init__`, which starts the server and returns once it is ready.

    NOT guaranteed: a server started in a thread other than the main one ends with that thread.

    Args:
        directory: its working folder, where its log goes; created when missing.
        user: the name of the user to run as, when we are root; None for ourselves.

    Raises:
        ServerFailed: it ended at once, or was not ready within 30 seconds.
    """

    name: str
    """What it is called in errors and in the name of its log file."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    """What asks it to end in good order."""

    def __init__(self, directory: Path, *, user: str | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log = directory / f"{self.name}.log"
        self._user = user
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = free_port()
            try:
                self._start()
            except ServerFailed as failure:
                # Another process may take the port between our look and the server's bind.
                if attempt == _PORT_ATTEMPTS or "address already in use" not in str(failure).lower():
                    raise
            else:
                return

    @abc.abstractmethod
    def _command(self) -> list[str]:
        """What to run, with `self.port` as its port. Runs in `self.directory`."""

    @abc.abstractmethod
    def _is_ready(self) -> bool:
        """Whether it can be used now."""

    def _environment(self) -> dict[str, str]:
        """The variables it runs with."""
        return dict(os.environ)

    @property
    def pid(self) -> int:
        """Its process id; another one after `restart`."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process exists; a paused one does."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it in good order, or by force after 10 seconds. Harmless when it has ended."""
        self.resume()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(_STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): the kernel still accepts connections, and nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it if it runs, then start it on the same port over the same data.

        Raises:
            ServerFailed: it did not become ready again.
        """
        self.stop()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_leash(self.stop_signal), *self._command()],
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._user,
                # A session of its own: Ctrl-C in a terminal reaches us only, and we end our servers in order.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_DEADLINE_SECONDS
        while not self._is_ready():
            if not self.is_running:
                raise ServerFailed(f"{self.name} ended with status {self._process.returncode}:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self.name} was not ready after {_READY_DEADLINE_SECONDS:.0f} s:\n{self._log_tail()}"
                )
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_SECONDS)

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:]


class HttpServer(Server):
    """A server that answers a GET of `ready_path` with 200 once it can be used."""

    ready_path: ClassVar[str] = "/-/ready"

    @property
    def url(self) -> str:
        """Its address, without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def _is_ready(self) -> bool:
        # Not through urllib, which would ask the environment for a proxy.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _leash(number: signal.Signals) -> list[str]:
    """A prefix of the command that makes the kernel send it a signal when we die.

    setpriv (util-linux) becomes the server itself, so process ids are what they seem. It does what a `preexec_fn`
    would, without running Python between fork and exec. A machine without it starts its servers unleashed.
    """
    if shutil.which("setpriv") is None:
        return []
    return ["setpriv", "--pdeathsig", number.name.removeprefix("SIG"), "--"]


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
