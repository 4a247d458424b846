"""Start and stop: builds every part from the settings, wires them together, and takes them apart in order."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import structlog
import uvicorn
import uvloop

from gated.daemon import logs, scheduler
from gated.daemon.clock import Clock, SystemClock
from gated.daemon.rule_files import RuleFiles
from gated.daemon.service_manager import ServiceManager, enough_watchdog_seconds
from gated.daemon.settings import Settings, is_loopback
from gated.daemon.work import Work
from gated.model.errors import GatedError, Unavailable
from gated.operations.delivery import Endpoint
from gated.operations.gate import Gate
from gated.server.app import create_app
from gated.server.bell import Bell
from gated.server.deadline import PromptProtocol
from gated.server.pages.live import Live
from gated.server.services import Check, Readiness, Services
from gated.signals import log
from gated.signals.metrics import Metrics, ReleaseCollector
from gated.sources.reader import Sources
from gated.store.repository import Store

_GRACE_SECONDS = 5
"""How long requests under way may take when the daemon stops."""
_SHOWN_AFTER_END_SECONDS = 3600.0
"""For how long an ended release still has series in /metrics: long enough for a dashboard to show how it ended."""
_READY_TICKS = 3
"""A gate whose last tick is longer ago than this many intervals is not to be relied upon."""

_log = structlog.get_logger()


def serve(settings: Settings) -> int:
    """Run the daemon until SIGTERM or SIGINT.

    Args:
        settings: as loaded from gated.yaml.

    Returns:
        The exit code: 0 after an orderly stop, 1 when it could not start.
    """
    logs.configure(settings.log_format, settings.log_level)
    _allow_many_connections()
    clock = SystemClock()
    manager = ServiceManager(os.environ, pid=os.getpid(), monotonic=clock.monotonic)
    try:
        with (
            contextlib.closing(_listen(settings)) as listening,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(_Daemon(settings, clock, listening, manager).run())
    except GatedError as error:
        _log.error("start_failed", reason=str(error))
        manager.failed(str(error))
        return 1
    return 0


class _Daemon:
    """All parts of one running gate."""

    def __init__(self, settings: Settings, clock: Clock, listening: socket.socket, manager: ServiceManager) -> None:
        self._settings = settings
        self._clock = clock
        self._listening = listening
        self._manager = manager
        self._started_at = clock.now()
        self._metrics = Metrics(
            sources=[source.name for source in settings.sources],
            endpoints=[log.NAME],
            external_url=settings.external_url,
        )
        self._bell = Bell()
        self._live = Live()
        self._rules = RuleFiles(settings.load_rules, self._rules_loaded)

    async def run(self) -> None:
        """Start everything, wait for the end, stop everything.

        Raises:
            GatedError: something could not be started; nothing keeps running.
        """
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()

        def stop() -> None:
            self._manager.stopping()  # before the tick under way has ended, which may take its time
            stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        if self._rules.reload():
            raise Unavailable("the rule files have faults; `gated check rules` names them all")
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.run_in_executor(None, self._reload))
        store = await asyncio.to_thread(Store.open, self._settings.store_url, upgrades=self._settings.upgrades_store)
        with contextlib.closing(store), self._settings.store.sole_use():
            sources = Sources(self._settings.sources, self._settings.probes)
            with contextlib.closing(sources), ThreadPoolExecutor(1, "tick") as ticking:
                await self._serve(store, sources, ticking, stopping)

    async def _serve(
        self, store: Store, sources: Sources, ticking: ThreadPoolExecutor, stopping: asyncio.Event
    ) -> None:
        interval = self._settings.evaluation_interval_seconds
        gate = Gate(
            store, interval_seconds=interval, listeners=(self._metrics.committed, self._bell.ring, self._live.heard)
        )
        self._metrics.registry.register(
            ReleaseCollector(
                recent=lambda: store.recent(self._clock.now() - _SHOWN_AFTER_END_SECONDS),
                policy_of=gate.policy_of,
                oldest_undelivered_at=store.oldest_undelivered_at,
                now=self._clock.now,
                validity_seconds=gate.validity_seconds,
            )
        )
        self._metrics.interval.set(interval)
        self._metrics.last_tick.set(self._started_at)
        self._metrics.store_writable.set(_store_check(gate).passed)
        work = Work(
            gate=gate,
            eyes=sources,
            metrics=self._metrics,
            endpoints=(Endpoint(log.NAME, log.tell),),
            clock=self._clock,
            retention_seconds=self._settings.retention_seconds,
        )
        self._bell.attach(asyncio.get_running_loop())
        self._live.attach(asyncio.get_running_loop())
        server = _Server(self._app(gate, work), started=lambda: self._manager.serving("Serving; no look yet"))
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        looking = asyncio.create_task(
            scheduler.run(
                self._clock,
                interval,
                work=self._telling(work),
                missed=self._metrics.ticks_missed.inc,
                executor=ticking,
                stopping=stopping,
                pulse=self._pulse(),
            )
        )
        host, port = self._listening.getsockname()[:2]
        if not is_loopback(host):
            _log.warning("open_to_the_network", listen=f"{host}:{port}", reason="gated has no authentication yet")
        _log.info("started", url=f"http://{host}:{port}", interval_seconds=interval, active=len(store.active()))
        # Whichever ends first ends all: a stop, or a server or scheduler that broke.
        await asyncio.wait({serving, looking}, return_when=asyncio.FIRST_COMPLETED)
        _log.info("stopping")
        self._manager.stopping()
        stopping.set()
        self._bell.close()
        self._live.close()
        server.should_exit = True
        await asyncio.gather(serving, looking)
        _log.info("stopped")

    def _app(self, gate: Gate, work: Work) -> uvicorn.Config:
        services = Services(
            gate=gate,
            rulebook=lambda: self._rules.rulebook,
            now=self._clock.now,
            bell=self._bell,
            live=self._live,
            metrics=self._metrics.exposition,
            readiness=lambda: self._readiness(gate, work),
            external_url=self._settings.external_url,
            source_links={source.name: source.external_url or source.url for source in self._settings.sources},
            reload=self._reload if self._settings.has_reload_endpoint else None,
        )
        return uvicorn.Config(
            create_app(services),
            http=PromptProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )

    def _readiness(self, gate: Gate, work: Work) -> Readiness:
        """Rules are loaded before anything is served; what can fail later is the store and the clock's work."""
        last = work.last_tick_at if work.last_tick_at is not None else self._started_at
        age = self._clock.now() - last
        is_ticking = age <= _READY_TICKS * gate.interval_seconds
        ticking = Check(name="ticking", passed=is_ticking, detail=f"last tick {max(0.0, age):.0f} s ago")
        checks = (_store_check(gate), ticking)
        return Readiness(ready=all(check.passed for check in checks), checks=checks)

    def _reload(self) -> tuple[str, ...]:
        return self._manager.around_reload(self._rules.reload)

    def _telling(self, work: Work) -> Callable[[float], None]:
        """A tick's work, after which the service manager hears how it went."""

        def tick(due: float) -> None:
            work(due)
            self._manager.looked(work.standing)

        return tick

    def _pulse(self) -> scheduler.Pulse:
        """The evaluation loop's sign of life, twice in the time that the service manager waits for one."""
        watchdog = self._manager.watchdog_seconds
        if watchdog is None:
            return scheduler.NO_PULSE
        enough = enough_watchdog_seconds(tuple(source.timeout_seconds for source in self._settings.sources))
        if watchdog < enough:
            _log.warning(
                "watchdog_too_short",
                watchdog_seconds=watchdog,
                enough_seconds=enough,
                reason="a tick that waits for a dead source or database may be taken for hung, and gated restarted",
            )
        return scheduler.Pulse(self._manager.alive, watchdog / 2)

    def _rules_loaded(self, succeeded: bool) -> None:
        self._metrics.reload_successful.set(succeeded)
        if succeeded:
            self._metrics.reload_at.set(self._clock.now())


class _Server(uvicorn.Server):
    """uvicorn without its own idea of signals: the daemon stops the clock first, then the server.

    Args:
        config: what is served, and how.
        started: called once requests are answered.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._answering = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._answering()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the daemon."""
        yield


def _store_check(gate: Gate) -> Check:
    try:
        gate.store.ping()
    except GatedError as error:
        return Check(name="store", passed=False, detail=str(error))
    return Check(name="store", passed=True, detail="takes writes")


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything else, so that a second daemon on it says so at once.

    Raises:
        Unavailable: the address cannot be listened on.
    """
    address = (settings.listen_host, settings.listen_port)
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {settings.listen_host}:{settings.listen_port}: {error.strerror}"
        ) from error


def _allow_many_connections() -> None:
    """Every waiting poll is an open file; take as many as the system allows a process."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
