"""Chromium on loopback, driven by Playwright: for tests of pages, and for pictures of them."""

import contextlib
import os
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from deploy.local import binaries

_FLAGS = (
    "--no-sandbox",  # root has none; it only ever sees pages of ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # It would look for its maker's hosts, at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own, without a window; closed at the end.

    Raises:
        BinaryMissing: there is none, and none can be fetched.
    """
    binary = binaries.find("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=binary.path, args=_FLAGS, env={**os.environ, **binary.environment}
        )
        try:
            yield browser
        finally:
            browser.close()
