"""Tells the service manager how the daemon is doing: systemd's notification protocol, sd_notify(3).

A message is a datagram of `KEY=value` lines, sent to the socket that `NOTIFY_SOCKET` names. Without the variable
nothing is sent, and a manager that does not listen never disturbs the gate. Our own because it is a page, and because
what the manager may be told depends on what it was told before: see `ServiceManager`.
"""

import os
import socket
import threading
from collections.abc import Callable, Mapping

import structlog

_PATIENCE_SECONDS = 0.5
"""How long a send may wait for room in the manager's queue. It is sent from the loop that answers polls, too."""
_LONGEST_STATUS = 500
"""Characters; `systemctl status` shows one line."""
_LONGEST_STORE_WAITS_SECONDS = 30.0
"""What a tick may spend on a database that does not answer, beside what it waits for sources."""

_log = structlog.get_logger()


class ServiceManager:
    """The process that started us and watches over us; or nobody, and then everything here does nothing.

    It hears READY=1 once, then RELOADING=1 and READY=1 around each reload, then STOPPING=1 and no more of these: a
    reload that overlaps start or stop is not spoken of. Safe to use from several threads.

    Args:
        environment: the variables the manager set: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
        pid: our process id.
        monotonic: seconds of CLOCK_MONOTONIC, by which the manager tells this reload from the last one.
    """

    def __init__(self, environment: Mapping[str, str], *, pid: int, monotonic: Callable[[], float]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._monotonic = monotonic
        self._speaking = threading.RLock()
        """Held from the look at what was said until the next word has left, so that nothing follows STOPPING=1."""
        self._reloading = threading.Lock()
        self._is_deaf = False
        self._is_serving = False
        self._standing = ""
        self._reload = ""
        self.watchdog_seconds = _watchdog_seconds(environment, pid) if self._address else None
        """How long the manager waits for a sign of life before it restarts us; None when it does not watch."""

    def serving(self, standing: str) -> None:
        """Requests are answered from now on. READY=1 ends the manager's `start`."""
        with self._speaking:
            self._standing = standing
            self._is_serving = True
            self._send("READY=1", self._status())

    def alive(self) -> None:
        """The evaluation loop goes round. Nothing but that loop may call this, or it proves nothing."""
        if self.watchdog_seconds is not None:
            self._send("WATCHDOG=1")

    def looked(self, standing: str) -> None:
        """Replace the sentence that `systemctl status` shows."""
        with self._speaking:
            self._standing = standing
            self._say(self._status())

    def around_reload(self, reload: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Reload, and tell the manager when it begins and how it ends.

        A failed reload stays in the status until one succeeds: the manager itself knows no failed reload of this kind.

        Args:
            reload: does it; returns the faults that prevented it.

        Returns:
            The faults.
        """
        with self._reloading:
            self._say("RELOADING=1", f"MONOTONIC_USEC={int(self._monotonic() * 1_000_000)}")
            self._reload = "THE LAST RELOAD BROKE OFF; the log says why"
            try:
                faults = reload()
                self._reload = reload_sentence(faults)
            finally:
                self._say("READY=1", self._status())
        return faults

    def stopping(self) -> None:
        """The end has begun; STOPPING=1. Further calls do nothing."""
        with self._speaking:
            self._say("STOPPING=1", "STATUS=Stopping; requests under way are finished")
            self._is_serving = False

    def failed(self, reason: str) -> None:
        """Leave the reason why the daemon does not run where `systemctl status` shows it."""
        with self._speaking:
            self._is_serving = False
            self._send(_status_line(f"Failed: {reason}"))

    def _status(self) -> str:
        return _status_line("; ".join(filter(None, (self._standing, self._reload))))

    def _say(self, *lines: str) -> None:
        """Send, if we are between READY=1 and STOPPING=1."""
        with self._speaking:
            if self._is_serving:
                self._send(*lines)

    def _send(self, *lines: str) -> None:
        """Send one datagram. A manager that cannot be told is mentioned once, and the gate goes on."""
        if not self._address:
            return
        with self._speaking:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messenger:
                    messenger.settimeout(_PATIENCE_SECONDS)
                    messenger.sendto("\n".join(lines).encode(errors="replace"), self._address)
            except OSError as error:
                if not self._is_deaf:
                    _log.warning("service_manager_not_told", reason=str(error))
                self._is_deaf = True
            else:
                self._is_deaf = False


def reload_sentence(faults: tuple[str, ...]) -> str:
    """What the status says of the last reload; nothing after a good one."""
    if not faults:
        return ""
    others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"THE LAST RELOAD FAILED, the rules before it stay: {faults[0]}{others}"


def enough_watchdog_seconds(source_timeouts_seconds: tuple[float, ...]) -> float:
    """The shortest watchdog that does not take a tick for hung while its sources and its store do not answer.

    Args:
        source_timeouts_seconds: how long each source may take; they are asked side by side.
    """
    return max(source_timeouts_seconds, default=0.0) + _LONGEST_STORE_WAITS_SECONDS


def _status_line(text: str) -> str:
    """A line of a message has no line breaks, and control characters have no business on a terminal."""
    printable = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return f"STATUS={printable[:_LONGEST_STATUS]}"


def _address(named: str) -> bytes:
    """The socket's address: a path, or `@` and an abstract name. Empty for nobody."""
    if not named:
        return b""
    if named[0] not in "/@" or len(named) == 1:
        _log.warning("service_manager_not_told", reason="NOTIFY_SOCKET is neither a path nor an abstract socket")
        return b""
    address = os.fsencode(named)
    return b"\0" + address[1:] if named[0] == "@" else address


def _watchdog_seconds(environment: Mapping[str, str], pid: int) -> float | None:
    """How long the manager waits, if it waits for this process."""
    given, meant = environment.get("WATCHDOG_USEC"), environment.get("WATCHDOG_PID", str(pid))
    if given is None or meant != str(pid):
        return None
    if not (given.isascii() and given.isdigit()) or int(given) == 0:
        _log.warning("watchdog_ignored", reason="WATCHDOG_USEC is not a number of microseconds")
        return None
    return int(given) / 1_000_000
