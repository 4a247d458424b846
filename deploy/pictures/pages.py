"""Take the pictures of the status page in docs/pictures/pages: `python -m deploy.pictures.pages`, a minute or two.

A real gate with the shipped rules watches services that never were (`made_up`), look by look; then Chromium shows its
pages. What the pages say is the same every time; how letters are drawn depends on the machine, so no test compares the
pictures, and they are taken anew when the pages have changed.
"""

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser

from deploy.local.browser import chromium
from deploy.pictures import made_up
from deploy.pictures.made_up import NOON, STEP_SECONDS, Service
from gated.model.errors import Unavailable
from gated.model.ids import Actor, PlanName, ReleaseId, StageName
from gated.model.plan import Rulebook
from gated.model.release import Phase
from gated.model.verdict import Verdict
from gated.operations import releases
from gated.operations.gate import Gate
from gated.operations.tick import tick
from gated.rulebook.load import load
from gated.server.app import create_app
from gated.server.bell import Bell
from gated.server.pages.live import Live
from gated.server.services import Readiness, Services
from gated.signals.metrics import Metrics
from gated.store.repository import Store

_REPOSITORY = Path(__file__).parents[2]
_PICTURES = _REPOSITORY / "docs/pictures/pages"
_PIPELINE = Actor("deploy-pipeline")
_HOUR = 3600.0

BAKING = Service("payments", "v41", "v42", opened_ago=1620)
PROMOTED = Service("search", "2026.10", "2026.11", opened_ago=2.1 * _HOUR)
ROLLED_BACK = Service("checkout", "v1.8.2", "v1.9.0", opened_ago=1980, failing=0.034, slow=0.03, spoilt_after=1290)
BLIND = Service("catalog", "v7", "v8", opened_ago=840, seen_for=480)
SERVICES = (
    BAKING,
    PROMOTED,
    ROLLED_BACK,
    BLIND,
    Service("accounts", "v3", "v4", opened_ago=420),
    Service("notifications", "v12", "v13", opened_ago=60),
)
SCENES = {"baking": BAKING, "promoted": PROMOTED, "rolled-back": ROLLED_BACK, "blind": BLIND}


def main() -> None:
    """Watch the services until noon, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(_store(Path(folder))) as store:
        gate = Gate(store, interval_seconds=STEP_SECONDS)
        rulebook = _rulebook()
        names = _watch(gate, rulebook)
        with _served(gate, rulebook) as url, chromium() as browser:
            _take(browser, f"{url}/", "board", height=960)
            for name, service in SCENES.items():
                _take(browser, f"{url}/releases/{names[service.name]}", name)
            _take(browser, f"{url}/releases/{names[ROLLED_BACK.name]}", "dark", scheme="dark")
            _take(browser, f"{url}/", "phone", width=390, height=960)


def _store(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder / 'gated.db'}", upgrades=True)


def _rulebook() -> Rulebook:
    loaded = load([_REPOSITORY / "rules"])
    if loaded.rulebook is None:
        raise Unavailable("the shipped rules have faults; `make check` names them")
    return loaded.rulebook


def _watch(gate: Gate, rulebook: Rulebook) -> dict[str, ReleaseId]:
    """Let time pass until noon; a pipeline does what the gate lets it do."""
    eyes = made_up.sources(SERVICES)
    names: dict[str, ReleaseId] = {}
    now = min(service.opened_at for service in SERVICES) - STEP_SECONDS
    while now < NOON:
        now += STEP_SECONDS
        for service in SERVICES:
            if service.name not in names and now >= service.opened_at:
                order = releases.Order(
                    service=service.name,
                    environment="production",
                    version=service.new,
                    baseline=service.old,
                    plan=PlanName("standard"),
                    supersede=False,
                )
                names[service.name] = releases.open_release(gate, rulebook, order, _PIPELINE, now)[0].id
        tick(gate, eyes, now)
        for name in names.values():
            _go_on(gate, name, now)
    return names


def _go_on(gate: Gate, name: ReleaseId, now: float) -> None:
    release = gate.store.release(name)
    verdict = release.current_stage.verdict if release.current_stage is not None else None
    if release.phase is Phase.BAKING and verdict is not None and verdict.verdict is Verdict.PROMOTE:
        releases.claim(gate, name, verdict.id, _PIPELINE, now)
        release = gate.store.release(name)
    if release.phase in {Phase.OPEN, Phase.BETWEEN} and release.next_stage is not None and now > release.opened_at + 30:
        releases.start_stage(gate, name, StageName(release.next_stage.name), _PIPELINE, now)
    if (
        release.rollback is not None
        and release.rollback.reported_at is None
        and now > release.rollback.triggered_at + 40
    ):
        releases.report_rolled_back(gate, name, _PIPELINE, f"traffic is back on {release.baseline}", now)


@contextlib.contextmanager
def _served(gate: Gate, rulebook: Rulebook) -> Iterator[str]:
    """The pages on a free port, as of noon."""
    metrics = Metrics()
    services = Services(
        gate=gate,
        rulebook=lambda: rulebook,
        now=lambda: NOON + 4,
        bell=Bell(),
        live=Live(),
        metrics=metrics.exposition,
        readiness=lambda: Readiness(ready=True, checks=()),
        external_url="",
        source_links={},
        reload=None,
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(services), lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.force_exit = server.should_exit = True
            thread.join()


def _take(
    browser: Browser, address: str, name: str, *, width: int = 1180, height: int = 1240, scheme: str = "light"
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.clock.set_fixed_time(NOON + 4)
    page.goto(address)
    if page.locator("main[data-live]").count():
        page.locator("#pulse").wait_for()
    page.screenshot(
        path=_PICTURES / f"{name}.png", clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True
    )
    context.close()


if __name__ == "__main__":
    main()
