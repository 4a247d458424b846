"""The status page as people use it, in a real browser."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.serving import ServedGate

NewPage = Callable[..., Page]
AXE = "() => axe.run(document, {resultTypes: ['violations']})"
BECAUSE = "the database is being moved"


def baking(served: ServedGate) -> str:
    release = served.open()
    served.start(release)
    served.tick(20)
    return release


def promoted(served: ServedGate) -> str:
    release = served.open()
    for stage, looks in (("canary-5", 30), ("canary-25", 30), ("full", 30)):
        served.start(release, stage)
        served.tick(looks)
        document = served.verdict(release)
        assert document["verdict"] == "promote", document["reason"]
        served.claim(release, document["verdict_id"])
    return release


def rolled_back(served: ServedGate) -> str:
    release = baking(served)
    served.world.error_share = 0.3
    served.tick(25)
    served.post(f"/api/v1/releases/{release}/rolled-back", {"reason": "done"})
    served.world.error_share = 0.0
    served.tick(4)
    return release


def blind(served: ServedGate) -> str:
    release = baking(served)
    served.world.is_dark = True
    served.tick(3)
    return release


STATES = {"pending": baking, "promoted": promoted, "rolled back": rolled_back, "blind": blind}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("word", STATES)
def test_everybody_can_read_the_pages_in_every_state(
    served: ServedGate, new_page: NewPage, axe: str, word: str, scheme: str
) -> None:
    """Contrast, names, order, roles: whatever axe finds, not only what it finds serious."""
    release = STATES[word](served)
    page = new_page(f"{served.url}/releases/{release}", color_scheme=scheme)
    expect(page.locator("#verdict .badge")).to_have_text(word)
    expect(page).to_have_title(f"{word}: checkout v2 · gated")
    for address in (f"/releases/{release}", f"/releases/{release}/report", "/"):
        page.goto(served.url + address)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.evaluate(axe)
        found = page.evaluate(AXE)["violations"]
        told = [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']][:3]}" for each in found]
        assert told == [], address


def test_a_page_changes_with_the_verdict_without_being_loaded_again(served: ServedGate, new_page: NewPage) -> None:
    release = baking(served)
    page = new_page(f"{served.url}/releases/{release}")
    expect(page.locator("#pulse")).to_have_text("live")
    page.evaluate("window.isTheSame = true")
    page.locator("#rule-error-rate summary").click()
    served.world.error_share = 0.3
    served.tick(25)
    expect(page.locator("#verdict .badge")).to_have_text("rollback")
    expect(page.locator("#verdict")).to_contain_text("error-rate: 30 % of 6,000 were bad")
    expect(page.locator("#actions")).to_have_count(0)
    expect(page).to_have_title("rollback: checkout v2 · gated")
    expect(page.get_by_role("status")).to_contain_text("rollback: error-rate: 30 %")
    expect(page.locator("#more-error-rate")).to_have_attribute("open", "")
    assert page.evaluate("window.isTheSame") is True


def test_a_release_that_begins_appears_on_the_board(served: ServedGate, new_page: NewPage) -> None:
    page = new_page(served.url)
    expect(page.locator("#active")).to_contain_text("Nothing is being rolled out")
    baking(served)
    expect(page.locator("#active tbody tr")).to_have_count(1)
    expect(page.locator(".tile.pending b")).to_have_text("1")
    expect(page).to_have_title("1 release under way · gated")


def test_a_person_pauses_with_name_and_reason_while_the_page_changes(served: ServedGate, new_page: NewPage) -> None:
    release = baking(served)
    page = new_page(f"{served.url}/releases/{release}")
    page.locator("#act-pause summary").click()
    page.locator("#act-pause [name=name]").fill("ada")
    served.tick(2)
    expect(page.locator("#history li")).not_to_have_count(0)
    page.wait_for_timeout(1500)  # a rendering or two have come in meanwhile
    expect(page.locator("#act-pause [name=name]")).to_have_value("ada")
    page.locator("#act-pause [name=reason]").fill(BECAUSE)
    page.locator("#act-pause button").click()
    expect(page.locator("#verdict")).to_contain_text("Paused by ada")
    expect(page.locator("#verdict")).to_contain_text(BECAUSE)
    assert served.get(f"/api/v1/releases/{release}").json()["paused"]["by"] == "ada"
    page.locator("#act-resume summary").click()
    expect(page.locator("#act-resume [name=name]")).to_have_value("ada")  # who it was is remembered, not why
    expect(page.locator("#act-resume [name=reason]")).to_have_value("")


def test_an_empty_form_is_not_sent(served: ServedGate, new_page: NewPage) -> None:
    release = baking(served)
    page = new_page(f"{served.url}/releases/{release}")
    page.locator("#act-abort summary").click()
    page.locator("#act-abort button").click()
    expect(page.locator("#act-abort [name=name]:invalid")).to_have_count(1)
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "baking"


def test_the_keyboard_is_enough(served: ServedGate, new_page: NewPage) -> None:
    release = baking(served)
    page = new_page(f"{served.url}/releases/{release}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#act-pause summary')"):
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(BECAUSE)
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_contain_text("Paused by ada")


def test_without_javascript_everything_is_there_and_can_be_done(served: ServedGate, new_page: NewPage) -> None:
    release = baking(served)
    page = new_page(served.url, java_script_enabled=False)
    page.get_by_role("link", name="checkout").click()
    expect(page.locator("#verdict .badge")).to_have_text("pending")
    assert page.locator("noscript").inner_html().strip().startswith('<meta http-equiv="refresh"')
    page.locator("#act-pause summary").click()
    page.get_by_label("Your name").first.fill("ada")
    page.get_by_label("Reason").first.fill(BECAUSE)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#verdict")).to_contain_text("Paused by ada")
    assert served.get(f"/api/v1/releases/{release}").json()["paused"]["reason"] == BECAUSE


LONGEST_NAMES = {key: key[0] * 128 for key in ("service", "environment", "version", "baseline")}


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_no_page_is_wider_than_the_window(served: ServedGate, new_page: NewPage, width: int) -> None:
    release, other = rolled_back(served), served.open(**LONGEST_NAMES)
    served.start(other)
    served.tick(2)
    page = new_page(served.url, viewport={"width": width, "height": 800})
    about = [f"/releases/{each}{report}" for each in (release, other) for report in ("", "/report")]
    for address in ("/", *about):
        page.goto(served.url + address)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_a_gate_that_is_gone_is_said_to_be_gone(tmp_path: Path, browser: Any) -> None:
    """Not with `new_page`: the browser itself complains of the lost connection."""
    page = browser.new_page()
    with ServedGate(tmp_path) as served:
        page.goto(f"{served.url}/releases/{baking(served)}")
        expect(page.locator("#pulse")).to_have_text("live")
    expect(page.locator("#pulse")).to_contain_text("connection lost")
    assert page.locator("#act-pause button").is_disabled()  # what was typed would be lost with the page
    page.close()


def test_a_page_comes_back_when_a_proxy_answered_for_a_gate_that_was_away(served: ServedGate, browser: Any) -> None:
    """A browser gives up on a stream for good when it gets any other answer, and pages on a wall are never reloaded."""
    release = baking(served)
    page = browser.new_page()
    answers = iter([502])

    def proxy(route: Any) -> None:
        status = next(answers, None)
        route.continue_() if status is None else route.fulfill(status=status, body="Bad Gateway")

    page.route("**/events", proxy)
    page.goto(f"{served.url}/releases/{release}")
    expect(page.locator("#pulse")).to_contain_text("connection lost")
    expect(page.locator("#pulse")).to_have_text("live", timeout=10_000)
    page.close()


def test_tabs_that_nobody_looks_at_hold_no_connection(served: ServedGate, browser: Any) -> None:
    """A browser opens six to one server: with a seventh release in a tab of its own none would load any more."""
    release = baking(served)
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(document, 'hidden', {get: () => !window.isLookedAt})")
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        tab.goto(f"{served.url}/releases/{release}", timeout=10_000)
        expect(tab.locator("#pulse")).to_have_text("live")
    for _ in range(50):
        if not served.live.watchers():
            break
        tabs[0].wait_for_timeout(100)
    assert served.live.watchers() == 0
    served.world.error_share = 0.3
    served.tick(25)
    tabs[0].evaluate("window.isLookedAt = true; document.dispatchEvent(new Event('visibilitychange'))")
    expect(tabs[0].locator("#verdict .badge")).to_have_text("rollback", timeout=5_000)
    assert served.live.watchers() == 1
    context.close()


def test_a_page_that_is_gone_back_to_is_live_again(served: ServedGate, new_page: NewPage) -> None:
    """A browser may keep the page as it was, with what it said of itself then."""
    release = baking(served)
    page = new_page(f"{served.url}/releases/{release}")
    expect(page.locator("#pulse")).to_have_text("live")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    served.world.error_share = 0.3
    served.tick(25)
    expect(page.locator("#verdict .badge")).to_have_text("rollback", timeout=5_000)


def test_focus_stays_with_a_release_that_changes_its_place(served: ServedGate, new_page: NewPage) -> None:
    """Else a person who presses Enter opens another one."""
    served.open(service="asleep")
    served.tick()
    page = new_page(served.url)
    expect(page.locator("#pulse")).to_have_text("live")
    page.get_by_role("link", name="asleep").focus()
    release = served.open(service="busy")
    served.start(release)
    served.tick(2)
    expect(page.locator("#active tbody th a").first).to_contain_text("busy")
    assert "asleep" in page.evaluate("document.activeElement.textContent")


# --- from another site ------------------------------------------------------------------------------------------


@dataclass
class EvilSite:
    """A page under another name that sends a form, and a bare POST, to whatever address it is told."""

    url: str = ""
    target: str = ""


@pytest.fixture
def evil() -> Iterator[EvilSite]:
    site = EvilSite()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = (
                f'<title>evil</title><form method="post" action="{site.target}"><input name="name" value="ada">'
                '<input name="reason" value="x"><button>win a prize</button></form>'
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # For a browser `localhost` is another site than `127.0.0.1`.
        site.url = f"http://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("address", ["/releases/{}/abort", "/api/v1/releases/{}/abort"], ids=["the page", "the API"])
def test_a_form_of_another_site_does_nothing(served: ServedGate, browser: Any, evil: EvilSite, address: str) -> None:
    release = baking(served)
    evil.target = served.url + address.format(release)
    page = browser.new_page()
    page.goto(evil.url)
    with page.expect_navigation() as sent:
        page.get_by_role("button").click()
    assert sent.value.status == 403
    assert "another site" in page.content()
    page.close()
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "baking"


def test_a_script_of_another_site_does_nothing(served: ServedGate, browser: Any, evil: EvilSite) -> None:
    release = baking(served)
    page = browser.new_page()
    page.goto(evil.url)
    address = f"{served.url}/api/v1/releases/{release}/abort"
    page.evaluate("(address) => fetch(address, {method: 'POST', mode: 'no-cors'}).catch(() => {})", address)
    page.close()
    assert served.get(f"/api/v1/releases/{release}").json()["phase"] == "baking"


def test_no_other_site_shows_a_page_in_a_frame(served: ServedGate, browser: Any, evil: EvilSite) -> None:
    """It could lay a button of its own over ours."""
    page = browser.new_page()
    page.goto(evil.url)
    page.evaluate(
        "(address) => new Promise((done) => { const frame = document.createElement('iframe');"
        " frame.onload = done; frame.src = address; document.body.append(frame); })",
        served.url,
    )
    assert all("Releases" not in frame.content() for frame in page.frames[1:])
    page.close()
