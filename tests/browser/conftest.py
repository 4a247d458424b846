"""A browser, and pages in it that may not complain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gated.model.ids import StageName
from tests import samples
from tests.judge_story import policy_of
from tests.serving import ServedGate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one file of tests: while it is there, its driver's event loop runs in this thread, and no other can."""
    from deploy.local.browser import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for what keeps people from using a page."""
    from pathlib import Path

    from deploy.local import npm

    return (npm.installed(Path(__file__).parent) / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedGate]:
    short = {"warmup_seconds": 30.0, "bake_min_seconds": 300.0, "bake_max_seconds": 600.0}
    stages = [samples.stage(name=StageName(name), **short) for name in ("canary-5", "canary-25", "full")]
    with ServedGate(tmp_path, policy_of(samples.rules(), *stages)) as gate:
        yield gate


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page: `new_page(address, color_scheme="dark")`. It fails the test when its console had anything to say."""
    complaints: list[str] = []
    contexts = []

    def open_page(address: str, **context: Any) -> Page:
        opened = browser.new_context(**context)
        contexts.append(opened)
        page = opened.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(15_000)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
